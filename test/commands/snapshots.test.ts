// A long stream is not read from its beginning: its state is kept beside the log, and nothing depends on it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { type FileSnapshots, fileSnapshots } from '../../adapters/files/snapshots.ts'
import type { SnapshotStore } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import { counted, fateOf, world } from './world.ts'

const snapshots = suite('snapshots')

/** A snapshot is written on the way. */
const deposits = 1300

async function longWallet(files: FileSnapshots) {
  const base = await world()
  const owner = signerFrom(generateSeed())
  const { command, instance, store } = base
  const submit = instance({ snapshots: files, verify: async () => true })
  const opening = command('OpenWallet', '', {})
  const walletId = opening.commandId
  await submit(signCommand(owner, { ...opening, subject: walletId }))
  const order = (type: string, data: Record<string, Json>) => signCommand(owner, command(type, walletId, data))
  for (let n = 0; n < deposits; n++) await submit(order('IssueTestDeposit', { amount: '10' }))
  const last = order('IssueTestDeposit', { amount: '10' })
  await submit(last)
  await files.idle()
  return { ...base, store, order, last, walletId }
}

async function inDirectory(run: (directory: string, files: FileSnapshots) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'duxnet-snapshots-'))
  const errors: unknown[] = []
  const files = fileSnapshots(directory, (error) => errors.push(error))
  try {
    await run(directory, files)
    assert.equal(errors, [])
  } finally {
    await files.idle()
    rmSync(directory, { recursive: true, force: true })
  }
}

const all = `${10 * (deposits + 1)}`
const tooMuch = { to: '00000000-0000-4000-8000-000000000000', amount: `${10 * (deposits + 1) + 1}` }

snapshots('another instance goes on from one, and knows commands from before it', () =>
  inDirectory(async (_directory, files) => {
    const { store, instance, order, last } = await longWallet(files)
    const watched = counted(store)
    const other = instance({ store: watched, snapshots: files })
    assert.is((await other(last)).outcome, 'repeated')
    assert.ok(watched.count.events < 400, `${watched.count.events} events were read`)
    assert.is(
      await fateOf(other(order('RequestWithdrawal', { amount: all, feeMax: '0', destination: 'A'.repeat(43) }))),
      'accepted',
    )
    assert.is(await fateOf(other(order('Transfer', tooMuch))), 'WalletUnknown')
  }),
)

snapshots('damaged or torn: it is as if there were none', () =>
  inDirectory(async (directory, files) => {
    const { instance, order } = await longWallet(files)
    const [name] = readdirSync(directory)
    const path = join(directory, name!)
    const whole = readFileSync(path)
    const forged = String(whole).replaceAll('"10"', '"99"')
    for (const bytes of [whole.subarray(0, whole.length / 2), Buffer.from(forged), Buffer.alloc(0), Buffer.from('{}')]) {
      writeFileSync(path, bytes)
      const other = instance({ snapshots: files })
      assert.is(
        await fateOf(other(order('RequestWithdrawal', { amount: '10', feeMax: '0', destination: 'A'.repeat(43) }))),
        'accepted',
      )
    }
  }),
)

snapshots('one of a log that was replaced is not believed', () =>
  inDirectory(async (_directory, files) => {
    const { store, instance, order, walletId } = await longWallet(files)
    const found = await files.find(`dux_wallet-${walletId}`)
    assert.ok(found)
    const lying: SnapshotStore = {
      find: async () => ({ ...found!, eventId: '00000000-0000-4000-8000-000000000000', state: null }),
      keep: () => {},
    }
    for (const snapshots of [lying, { find: async () => ({ ...found!, revision: 10 ** 9 }), keep: () => {} }]) {
      const watched = counted(store)
      const other = instance({ store: watched, snapshots })
      assert.is(await fateOf(other(order('IssueTestDeposit', { amount: '10' }))), 'accepted')
      assert.ok(watched.count.events > deposits)
    }
    const olderRules: SnapshotStore = { find: async () => ({ ...found!, rules: 0, state: null }), keep: () => {} }
    assert.is(await fateOf(instance({ snapshots: olderRules })(order('IssueTestDeposit', { amount: '10' }))), 'accepted')
  }),
)

snapshots.run()
