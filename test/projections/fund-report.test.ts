import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { DomainEvent } from '../../domain/catalogue.ts'
import { contributionsDigest } from '../../domain/fund/contributions.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { fundReport, type ReportedEvent, type ReportRange } from '../../projections/fund-report.ts'
import { authority, instant, keyOf, networkId } from './history.ts'

const report = suite('fund-report')
const nobody = { members: [], threshold: 0 }
const ids = { client: 'c', provider: 'p' }
const released = (escrowId: string, fundAmount: string): DomainEvent => ({
  type: 'EscrowReleased',
  data: { ...ids, escrowId, resultHash: '00', providerAmount: '95', fundAmount },
})
const swept = (
  n: number,
  fromIndex: number,
  toIndex: number,
  given: [escrowId: string, index: number, amount: bigint][],
): DomainEvent => {
  const contributions = given.map(([escrowId, index, amount]) => ({ escrowId, index, amount }))
  const amount = String(contributions.reduce((sum, { amount }) => sum + amount, 0n))
  const count = contributions.length
  return {
    type: 'ContributionsSwept',
    data: { n, fromIndex, toIndex, count, amount, listDigest: contributionsDigest(contributions) },
  }
}
const spending = { proposalId: 'a', to: { kind: 'wallet', id: 'w' }, amount: '30', category: 'audits' } as const

const events: readonly DomainEvent[] = [
  {
    type: 'NetworkFounded',
    data: {
      networkId,
      kind: 'test',
      foundedAt: instant(0),
      authority,
      serviceKeys: {},
      logKey: keyOf('log'),
      stewards: nobody,
      arbiters: nobody,
      governors: nobody,
      policy: initialPolicy,
    },
  },
  released('e1', '5'),
  released('e2', '0'),
  {
    type: 'EscrowResolved',
    data: { ...ids, escrowId: 'e3', by: 'arbiters', providerAmount: '95', fundAmount: '50', clientAmount: '0' },
  },
  swept(1, 0, 3, [
    ['e1', 1, 5n],
    ['e3', 3, 50n],
  ]),
  released('e4', '7'),
  {
    type: 'SpendingProposed.v2',
    data: {
      ...spending,
      purpose: keyOf('purpose'),
      by: 's1',
      expiresAt: instant(99),
      stewards: { members: ['s1', 's2'], threshold: 2 },
    },
  },
  { type: 'SpendingApproved', data: { proposalId: 'a', by: 's1' } },
  { type: 'SpendingApproved', data: { proposalId: 'a', by: 's2' } },
  { type: 'SpendingExecuted.v2', data: spending },
  { type: 'WalletOpened', data: { walletId: 'w', owner: 'o' } },
]

const log = (of: readonly DomainEvent[] = events): ReportedEvent[] =>
  of.map((event, index) => ({ index, event, recordedAt: instant(index) }))
const made = async (range?: ReportRange, of = log()) => JSON.parse(await fundReport(of, range))

report('it says what came in, was swept, was decided and was spent', async () => {
  const { sweeps, proposals, ...figures } = await made()
  assert.equal(figures, {
    format: 'duxnet-fund-report-v2',
    networkId,
    kind: 'test',
    range: { from: 0, to: 9 },
    opening: { balance: '0', pending: '0' },
    closing: { balance: '25', pending: '7' },
    contributions: { count: 3, amount: '62' },
    spent: '30',
    returned: '0',
    allocations: [{ category: 'audits', executed: { count: 1, amount: '30' }, open: { count: 0, amount: '0' } }],
  })
  assert.equal([sweeps.length, sweeps[0].holds, sweeps[0].index, sweeps[0].amount], [1, true, 4, '55'])
  assert.equal([proposals[0].status, proposals[0].approvedBy], ['executed', ['s1', 's2']])
  assert.equal(
    proposals[0].events.map(({ type }: { type: string }) => type),
    ['SpendingProposed', 'SpendingApproved', 'SpendingApproved', 'SpendingExecuted'],
  )
})

report('two ranges that meet add up to the whole, wherever they meet', async () => {
  const whole = await made()
  for (let cut = 1; cut <= events.length; cut++) {
    const [first, second] = [await made({ to: cut - 1 }), await made({ from: cut })]
    assert.equal(first.closing, second.opening, `cut at ${cut}`)
    assert.equal(second.closing, whole.closing)
    for (const figure of ['contributions', 'spent'] as const) {
      const amounts = [first, second, whole].map((report) =>
        BigInt(figure === 'spent' ? report.spent : report.contributions.amount),
      )
      assert.is(amounts[0]! + amounts[1]!, amounts[2])
    }
    assert.is(first.sweeps.length + second.sweeps.length, 1)
  }
})

report('what concerns the fund not at all changes no byte of it', async () => {
  const before = await fundReport(log().slice(0, 10))
  assert.is(await fundReport(log()), before)
  assert.is(
    await fundReport(
      log().filter(({ event }) => event.type !== 'WalletOpened'),
      { to: 1_000_000 },
    ),
    before,
  )
  assert.is(before, `${JSON.stringify(JSON.parse(before), null, 2)}\n`)
})

report('a sweep that does not say what was contributed is told from one that does', async () => {
  const wrong: [change: Partial<Extract<DomainEvent, { type: 'ContributionsSwept' }>['data']>][] = [
    [{ amount: '54' }],
    [{ count: 1 }],
    [{ listDigest: '0'.repeat(64) }],
    [{ fromIndex: 2 }],
    [{ toIndex: 2 }],
  ]
  for (const [change] of wrong) {
    const changed = events.map((event) =>
      event.type === 'ContributionsSwept' ? { ...event, data: { ...event.data, ...change } } : event,
    )
    assert.is((await made({}, log(changed))).sweeps[0].holds, false, JSON.stringify(change))
  }
})

report('a log without its beginning makes no report', async () => {
  try {
    await fundReport(log().slice(1))
    assert.unreachable()
  } catch (error) {
    assert.match((error as Error).message, 'does not begin')
  }
})

report.run()
