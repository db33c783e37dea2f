import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { copyLog } from '../../../infra/embedded/eventstore/storage/copy.ts'
import { openLog } from '../../../infra/embedded/eventstore/storage/log.ts'
import { verifyLog } from '../../../infra/embedded/eventstore/storage/verify.ts'
import { askEverything, LogWriter } from './logs.ts'
import { isLong, randomFrom, scratch, seed, standalone, tick, withoutOptions } from './support.ts'

const test = suite(`eventstore verify, backup and restore (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)
const quiet = () => {}

async function sample(commits: number) {
  const directory = scratch()
  const log = openLog(directory)
  const writer = new LogWriter(log, random)
  for (let n = 0; n < commits; n++) await writer.commit()
  const answers = askEverything(log, writer.names)
  await log.close()
  return { directory, names: [...writer.names], answers }
}

async function eventstore(...args: string[]) {
  const main = fileURLToPath(new URL('../../../infra/main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, 'eventstore', ...args], { env: withoutOptions(process.env) })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

test('verify finds a flipped bit wherever it is, and says where', async () => {
  const { directory } = await sample(isLong ? 2_000 : 100)
  const { events } = verifyLog(directory, false, quiet)
  assert.ok(events > 100)
  const copy = scratch()
  for (let round = 0; round < (isLong ? 600 : 30); round++) {
    cpSync(directory, copy, { recursive: true })
    const file = ['log', 'index', 'acknowledged'][round % 3]!
    const path = join(copy, file)
    const bytes = readFileSync(path)
    // Of the marks only the two slots mean anything.
    const at = file === 'acknowledged' ? below(2) * 512 + below(20) : below(statSync(path).size)
    bytes[at]! ^= 1 << below(8)
    writeFileSync(path, bytes)
    const told = new RegExp(`${path}\\b.* byte \\d+|^${path} is damaged at byte \\d+`)
    assert.throws(() => verifyLog(copy, false, quiet), told, `byte ${at} of ${file}`)
    if (file === 'log') assert.throws(() => copyLog(copy, scratch(), quiet), told, `a copy of byte ${at} of ${file}`)
  }
})

test('a copy answers as the log does', async () => {
  const { directory, names, answers } = await sample(50)
  const [backup, restored] = [join(scratch(), 'new', 'backup'), scratch()]
  copyLog(directory, backup, quiet)
  copyLog(backup, restored, quiet)
  const log = openLog(restored)
  assert.equal(askEverything(log, names), answers)
  await log.close()
})

test('the commands say how it went', async () => {
  const { directory } = await sample(5)
  const backup = join(scratch(), 'backup')
  const good = await eventstore('verify', directory)
  assert.equal([good.code, good.stderr], [0, ''])
  assert.match(good.stdout, /^good: \d+ events of \d+ streams, \d+ bytes\n$/)
  assert.is((await eventstore('backup', directory, backup)).code, 0)
  const again = await eventstore('restore', backup, backup)
  assert.is(again.code, 1)
  assert.match(again.stderr, `${backup} is not empty`)
  const nowhere = await eventstore('backup', scratch(), join(scratch(), 'other'))
  assert.is(nowhere.code, 1)
  assert.match(nowhere.stderr, 'there is no log in')
  for (const args of [['verify'], ['backup', directory], ['restore', directory, backup, 'more'], ['verify', '--fast', directory]])
    assert.is((await eventstore(...args)).code, 2, args.join(' '))

  const log = join(backup, 'log')
  const bytes = readFileSync(log)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(log, bytes)
  const bad = await eventstore('verify', backup)
  assert.is(bad.code, 1)
  assert.match(bad.stderr, /the record at position \d+ is damaged \(.*log, byte \d+\)/)
  const target = scratch()
  assert.is((await eventstore('restore', backup, target)).code, 1)
  assert.equal(readdirSync(target), [], 'a copy that is not good is not left behind')
})

test('a store that is written to can be verified and backed up, with all that was acknowledged before', async () => {
  const directory = scratch()
  const backup = join(scratch(), 'backup')
  const store = await standalone(['--db', directory])
  const client = EventStoreDBClient.connectionString(store.connectionString)
  let [acknowledged, going] = [-1n, true]
  const writers = Array.from({ length: 4 }, async () => {
    while (going) {
      const { nextExpectedRevision } = await client.appendToStream('ticks', [tick(1), tick(2)])
      if (nextExpectedRevision > acknowledged) acknowledged = nextExpectedRevision
    }
  })
  const verified = await eventstore('verify', directory)
  assert.is(verified.code, 0, verified.stderr)
  const before = acknowledged
  const copied = await eventstore('backup', directory, backup)
  assert.is(copied.code, 0, copied.stderr)
  going = false
  await Promise.all(writers)
  await client.dispose()
  assert.is(await store.kill('SIGTERM'), 0)
  assert.not(existsSync(join(backup, 'log.partial')))

  const second = await standalone(['--db', backup])
  const reader = EventStoreDBClient.connectionString(second.connectionString)
  let next = 0n
  for await (const { event } of reader.readStream('ticks')) assert.is(event!.revision, next++)
  assert.ok(next > before, `the copy has ${next} events, and ${before + 1n} were acknowledged before`)
  assert.is(next % 2n, 0n, 'no commit is there in part')
  await reader.dispose()
  assert.is(await second.kill('SIGTERM'), 0)
})

test.run()
