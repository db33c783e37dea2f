// What somebody can do to the log of money who writes to the store, past the deciders, with or without a service's key: an auditor finds it.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import type { NewEvent, Signer } from '../../commands/ports.ts'
import { eventsToAppend, type StreamFact } from '../../commands/record.ts'
import { replayDecisions } from '../../commands/replay.ts'
import type { Json } from '../../domain/canonical.ts'
import type { DomainEvent } from '../../domain/catalogue.ts'
import { commandText } from '../../domain/envelope.ts'
import { DomainError } from '../../domain/errors.ts'
import type { CanonicalEvent, RecordedEvent } from '../../domain/event.ts'
import { contributionsDigest } from '../../domain/fund/contributions.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { postingsOf } from '../../domain/ledger.ts'
import { type Category, streamName } from '../../domain/stream.ts'
import { ownIdOf } from '../../domain/wallet/state.ts'
import { tellFrozenMoney } from '../support/frozen-money.ts'
import { committed, keyOf, type MoneyWorld, moneyWorld, namespace, sha256 } from '../support/money-world.ts'
import { isLong, seed } from '../support/random.ts'

const money = suite('replay of decisions on money')

const [alice, bob, settlement, chain] = [keyOf('alice'), keyOf('bob'), keyOf('settlement'), keyOf('chain')]

const replayed = (log: readonly RecordedEvent[]) => replayDecisions(log, { namespace, verify: verifySignature })

const frozen = (): RecordedEvent[] =>
  readFileSync(new URL('../frozen/log.v2.ndjson', import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line, index) => ({ ...(JSON.parse(line) as CanonicalEvent), position: BigInt(index), created: new Date(0) }))

/** Every amount, key, id and figure in the data of `value`, by the way to it. */
function* leavesOf(value: Json, path: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value !== 'object' || value === null) yield path
  else for (const [key, inner] of Object.entries(value)) yield* leavesOf(inner, [...path, key])
}

/** Another value of the same shape. */
function other(value: Json): Json {
  if (typeof value === 'boolean') return !value
  if (typeof value === 'number') return value + 1
  const text = String(value)
  if (/^\d+$/.test(text)) return String(BigInt(text) + 1n)
  return text.replace(/[0-9a-zA-Z](?=[^0-9a-zA-Z]*$)/, (last) => (last === '1' ? '2' : '1'))
}

money('no word in the data of any event can be changed', async () => {
  const log = frozen()
  let count = 0
  for (const [index, event] of log.entries())
    for (const path of leavesOf(event.data)) {
      // Each needs a replay of what comes before: daily every tenth is tried.
      if (!isLong && (++count + seed) % 10) continue
      const changed = structuredClone(event)
      const parent = path.slice(0, -1).reduce<Record<string, Json>>((at, key) => at[key] as never, changed.data as never)
      const key = path.at(-1)!
      parent[key] = other(parent[key]!)
      // What comes before was verified with the whole log: only whether this event would pass is asked.
      const found = (await replayed([...log.slice(0, index), changed])).difference
      assert.is(found?.event, changed, `${event.type} ${path.join('.')}`)
    }
})

money('no event can be left out, doubled or put elsewhere in its stream', async () => {
  const log = frozen()
  const endings = new Set(log.map(({ stream }) => log.findLast((event) => event.stream === stream)))
  for (const [index, event] of log.entries()) {
    if (!isLong && (index + seed) % 4) continue
    const without = (await replayed(log.toSpliced(index, 1))).difference
    // The last event of a stream that nobody refers to is the one thing that only the root of the log proves.
    if (!endings.has(event)) assert.ok(without, `without ${event.type} at ${index}`)
    assert.ok((await replayed(log.toSpliced(index, 0, event))).difference, `twice ${event.type} at ${index}`)
  }
})

/** A log with one escrow that is funded and delivered, and one that is open, to be tampered with. */
async function someWorld() {
  const world = await moneyWorld({ name: 'tampered' })
  const wallets = { alice: await world.openWallet(alice), bob: await world.openWallet(bob) }
  await world.send(alice, 'IssueTestDeposit', wallets.alice, { amount: '10000' })
  const windows = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }
  const terms = { client: wallets.alice, provider: wallets.bob, amount: '1000', terms: committed('terms') }
  const open = async () =>
    (await world.send(alice, 'OpenEscrow', undefined, { ...terms, fallbackProviderPermille: 0, windows })).commandId
  const [escrowId, unfunded] = [await open(), await open()]
  await world.send(alice, 'PlaceHold', wallets.alice, { escrowId })
  await world.send(settlement, 'RecordFunding', escrowId)
  await world.send(settlement, 'CaptureHold', wallets.alice, { escrowId })
  await world.send(bob, 'StartEscrow', escrowId)
  await world.send(bob, 'GrantRefund', escrowId, { amount: '100' })
  return { ...world, wallets, escrowId, unfunded }
}
type Some = Awaited<ReturnType<typeof someWorld>>

interface Forgery {
  readonly by: Signer
  readonly type: string
  readonly category: Category
  readonly subject: string
  readonly data: Record<string, Json>
  /** What the forger wants to have been decided. */
  readonly event: DomainEvent
  readonly facts?: Readonly<Record<string, readonly [Category, string]>>
  readonly actor?: string
}

/** The log with an event more, as the server would have written it, but that nobody decided it. Facts are as new as they can be. */
async function forged(world: MoneyWorld, { by, type, category, subject, data, event, facts = {}, actor }: Forgery) {
  const log = await world.log()
  const last = (stream: string) => log.findLast((event) => event.stream === stream)?.revision ?? -1
  const factOf = (category: Category, id: string): StreamFact => {
    const stream = streamName(namespace, category, id)
    return { stream, revision: last(stream) }
  }
  const { command, signature, publicKey } = world.order(by, type, subject, data)
  const stream = streamName(namespace, category, subject)
  const [made] = eventsToAppend([event], {
    networkId: world.networkId,
    stream,
    commandId: command.commandId,
    publicKey,
    signature,
    text: commandText(command),
    actor: actor ?? 'service:settlement',
    rules: 1,
    policyVersion: 1,
    now: world.clock.now.toISOString(),
    seen: {
      network: factOf('network', world.networkId),
      ...Object.fromEntries(Object.entries(facts).map(([name, at]) => [name, factOf(...at)])),
    },
  })
  return [...log, recorded(made!, stream, last(stream) + 1, log.length)]
}

function recorded({ id, type, data, metadata }: NewEvent, stream: string, revision: number, position: number): RecordedEvent {
  return { id, type, data, metadata, stream, revision, position: BigInt(position), created: new Date(0) }
}

const credit = ({ wallets, escrowId }: Some, amount: string, leg: string, walletId = wallets.alice): Forgery => {
  const source = { kind: 'escrow' as const, escrowId, leg }
  return {
    by: settlement,
    type: 'PostCredit',
    category: 'wallet',
    subject: walletId,
    data: { source },
    event: { type: 'CreditPosted', data: { walletId, source, amount, toShortfall: '0' } },
    facts: { source: ['escrow', escrowId] },
  }
}

/** What a thief with the settlement key and the store writes, and how an auditor finds it. */
const forgeries: readonly [what: string, (world: Some) => Forgery, RegExp][] = [
  ['a credit of more than is owed', (world) => credit(world, '101', 'refund-1'), /decided otherwise: .*"amount":"100"/],
  ['a credit to another wallet', (world) => credit(world, '100', 'refund-1', world.wallets.bob), /CreditNotOwed/],
  ['a credit that nobody owes', (world) => credit(world, '900', 'provider'), /CreditNotOwed/],
  [
    'a credit with no regard to its source',
    (world) => ({ ...credit(world, '100', 'refund-1'), facts: { source: ['escrow', world.unfunded] } }),
    /facts should name/,
  ],
  [
    'a capture without a hold',
    ({ wallets, unfunded }) => ({
      by: settlement,
      type: 'CaptureHold',
      category: 'wallet',
      subject: wallets.alice,
      data: { escrowId: unfunded },
      event: { type: 'HoldCaptured', data: { walletId: wallets.alice, holdId: unfunded, amount: '1000' } },
      facts: { escrow: ['escrow', unfunded] },
    }),
    /HoldUnknown/,
  ],
  [
    'funding without a hold',
    ({ wallets, unfunded, clock }) => ({
      by: settlement,
      type: 'RecordFunding',
      category: 'escrow',
      subject: unfunded,
      data: {},
      event: {
        type: 'EscrowFunded',
        data: {
          ...{ escrowId: unfunded, client: wallets.alice, provider: wallets.bob, amount: '1000' },
          dueAt: new Date(clock.now.getTime() + 600_000).toISOString(),
        },
      },
      facts: { client: ['wallet', wallets.alice], provider: ['wallet', wallets.bob] },
    }),
    /HoldUnknown/,
  ],
  [
    'a deadline that is not over',
    ({ wallets, escrowId, clock }) => ({
      by: settlement,
      type: 'PassDeadline',
      category: 'escrow',
      subject: escrowId,
      data: { status: 'in_progress', dueAt: new Date(clock.now.getTime() + 600_000).toISOString() },
      event: {
        type: 'EscrowRefunded',
        data: { escrowId, client: wallets.alice, provider: wallets.bob, amount: '900', reason: 'not_delivered' },
      },
      facts: { client: ['wallet', wallets.alice], provider: ['wallet', wallets.bob] },
    }),
    /DeadlineNotReached/,
  ],
  [
    "a transfer in its owner's name",
    ({ wallets }) => ({
      by: settlement,
      type: 'Transfer',
      category: 'wallet',
      subject: wallets.alice,
      data: { to: wallets.bob, amount: '1' },
      event: {
        type: 'TransferSent',
        data: { walletId: wallets.alice, transferId: ownIdOf(wallets.alice, wallets.bob), to: wallets.bob, amount: '1' },
      },
      facts: { recipient: ['wallet', wallets.bob] },
      actor: 'service:settlement',
    }),
    /SignerNotAllowed/,
  ],
  [
    'money of the fund that no escrow gave',
    () => ({
      by: settlement,
      type: 'SweepContributions',
      category: 'fund',
      subject: fundId,
      data: { fromIndex: 0, toIndex: 5, count: 1, amount: '1000000', listDigest: sha256('') },
      event: {
        type: 'ContributionsSwept',
        data: { n: 1, fromIndex: 0, toIndex: 5, count: 1, amount: '1000000', listDigest: sha256('') },
      },
    }),
    /sweeps what escrows did not give/,
  ],
  [
    'a withdrawal that is approved by a service',
    ({ wallets }) => ({
      by: settlement,
      type: 'ReviewWithdrawal',
      category: 'wallet',
      subject: wallets.alice,
      data: { withdrawalId: wallets.bob, approve: true },
      event: {
        type: 'WithdrawalApproved',
        data: { walletId: wallets.alice, withdrawalId: wallets.bob, by: settlement.publicKey },
      },
    }),
    /SignerNotAllowed/,
  ],
]

for (const [what, forgery, reason] of forgeries)
  money(`an auditor finds ${what}`, async () => {
    const world = await someWorld()
    assert.equal((await replayed(await world.log())).difference, undefined)
    const log = await forged(world, forgery(world))
    const { events, difference } = await replayed(log)
    assert.is(events, log.length - 1)
    assert.match(difference!.reason, reason)
  })

money('an auditor finds a true event that is written twice', async () => {
  const world = await someWorld()
  await world.send(settlement, 'PostCredit', world.wallets.alice, {
    source: { kind: 'escrow', escrowId: world.escrowId, leg: 'refund-1' },
  })
  const log = await forged(world, credit(world, '100', 'refund-1'))
  assert.match((await replayed(log)).difference!.reason, /not decided by any command/)
})

money('an auditor finds facts of another time than they could be of', async () => {
  const world = await someWorld()
  const log = await forged(world, credit(world, '100', 'refund-1'))
  assert.equal((await replayed(log)).difference, undefined)
  for (const [change, reason] of [
    [1, /comes later/],
    [-1, /CreditNotOwed/],
  ] as const) {
    const changed = structuredClone(log)
    const { facts } = changed.at(-1)!.metadata as unknown as { facts: { source: { revision: number } } }
    facts.source.revision += change
    assert.match((await replayed(changed)).difference!.reason, reason)
  }
})

async function refusalOf(outcome: Promise<unknown>): Promise<string> {
  try {
    return `not refused: ${JSON.stringify(await outcome)}`
  } catch (error) {
    if (error instanceof DomainError) return error.code
    throw error
  }
}

money('whoever steals the settlement key can pay nobody what is not owed, and spend nothing', async () => {
  const world = await someWorld()
  const { send, wallets, escrowId, unfunded, clock } = world
  const dueAt = new Date(clock.now.getTime() + 600_000).toISOString()
  const source = { kind: 'escrow', escrowId, leg: 'provider' }
  const withdrawal = { amount: '1', feeMax: '0', destination: committed('mine') }
  const attempts: [refusal: string, type: string, subject: string, data?: Record<string, Json>][] = [
    ['CreditNotOwed', 'PostCredit', wallets.bob, { source }],
    ['CreditNotOwed', 'PostCredit', wallets.bob, { source: { ...source, leg: 'refund-1' } }],
    ['CreditNotOwed', 'PostCredit', wallets.bob, { source: { kind: 'spending', proposalId: escrowId } }],
    ['HoldUnknown', 'RecordFunding', unfunded],
    ['HoldUnknown', 'CaptureHold', wallets.alice, { escrowId: unfunded }],
    ['EscrowNotInStatus', 'ReleaseHold', wallets.alice, { escrowId }],
    ['DeadlineNotReached', 'PassDeadline', escrowId, { status: 'in_progress', dueAt }],
    ['SignerNotAllowed', 'Transfer', wallets.alice, { to: wallets.bob, amount: '1' }],
    ['SignerNotAllowed', 'RequestWithdrawal', wallets.alice, withdrawal],
    ['SignerNotAllowed', 'IssueTestDeposit', wallets.alice, { amount: '1' }],
    ['SignerNotAllowed', 'ReleaseEscrow', escrowId, { resultHash: sha256('') }],
    ['SignerNotAllowed', 'DeclineEscrow', escrowId],
  ]
  for (const [refusal, type, subject, data] of attempts)
    assert.is(await refusalOf(send(settlement, type, subject, data)), refusal, type)
})

money('it can say of the fund what is not so: stewards could spend that, and everybody sees it', async () => {
  const world = await someWorld()
  const data = { fromIndex: 0, toIndex: 3, count: 1, amount: '500', listDigest: contributionsDigest([]) }
  await world.send(settlement, 'SweepContributions', fundId, data)
  const log = await world.log()
  const inClearing = log
    .flatMap((event) => postingsOf(event as never))
    .reduce((sum, { account, amount }) => (account === 'clearing:fund' ? sum + amount : sum), 0n)
  assert.is(inClearing, -500n)
  assert.match((await replayed(log)).difference!.reason, /sweeps what escrows did not give/)
})

money('whoever steals the chain key can make deposits up, and call withdrawals paid: only the chain contradicts', async () => {
  const world = await someWorld()
  const { send, wallets, escrowId } = world
  const block = { blockHash: sha256('block'), height: 1 }
  const deposit = { txid: sha256('no such transaction'), vout: 0, amount: '700', confirmations: 6, ...block }
  await send(chain, 'CreditDeposit', wallets.bob, deposit)
  const request = { amount: '50', feeMax: '5', destination: committed('home') }
  const { commandId } = await send(alice, 'RequestWithdrawal', wallets.alice, request)
  const withdrawalId = ownIdOf(wallets.alice, commandId)
  const txid = sha256('nor this')
  await send(chain, 'RecordWithdrawalTransaction', wallets.alice, { withdrawalId, attempt: 1, txid, fee: '5' })
  await send(chain, 'ConfirmWithdrawal', wallets.alice, { withdrawalId, txid, ...block })
  const log = await world.log()
  assert.equal((await replayed(log)).difference, undefined)
  // What reconciliation holds against the chain is in the books: 700 came in and 50 went out.
  const outside = log
    .flatMap((event) => postingsOf(event as never))
    .reduce((sum, { account, amount }) => (account === 'outside:chain' ? sum + amount : sum), 0n)
  assert.is(outside, -650n)

  const suspicious = { ...request, amount: '9000', feeMax: '0' }
  const attempts: [refusal: string, type: string, subject: string, data?: Record<string, Json>][] = [
    ['SignerNotAllowed', 'Transfer', wallets.alice, { to: wallets.bob, amount: '1' }],
    ['SignerNotAllowed', 'RequestWithdrawal', wallets.alice, suspicious],
    ['SignerNotAllowed', 'ReviewWithdrawal', wallets.alice, { withdrawalId, approve: true }],
    ['SignerNotAllowed', 'PostCredit', wallets.bob, { source: { kind: 'escrow', escrowId, leg: 'refund-1' } }],
    ['SignerNotAllowed', 'RecordFunding', escrowId],
    ['SignerNotAllowed', 'SweepContributions', fundId, { fromIndex: 0, toIndex: 1, count: 1, amount: '1', listDigest: sha256('') }],
    ['CommandMalformed', 'CreditDeposit', wallets.bob, { ...deposit, vout: 1, amount: String(10n ** 20n + 1n) }],
    ['WithdrawalTransactionUnknown', 'UnconfirmWithdrawal', wallets.alice, { withdrawalId, txid: sha256('x'), reason: 'reorg' }],
  ]
  for (const [refusal, type, subject, data] of attempts) assert.is(await refusalOf(send(chain, type, subject, data)), refusal, type)
})

money('the story of the frozen log is decided as it was', async () => {
  const told = await (await tellFrozenMoney()).log()
  assert.equal(
    told.map(({ id }) => id),
    frozen().map(({ id }) => id),
  )
})

money.run()
