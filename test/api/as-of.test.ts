// Every entity as it was: at any position it is what a fold of the log up to there makes of it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { loadNetwork } from '../../commands/network.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import type { Row } from '../../projections/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { tellFrozenAirdrop } from '../support/frozen-airdrop.ts'
import { namespace } from '../support/money-world.ts'
import { randomFrom, seed } from '../support/random.ts'
import { type Api, startWhole } from './harness.ts'

interface Context {
  api: Api
  log: RecordedEvent[]
  close(): Promise<void>
}

const asOf = suite<Context>(`api/as-of (seed ${seed})`)
asOf.before(async (context) => {
  const story = await tellFrozenAirdrop()
  const { api, readSide } = await startWhole({
    store: story.store as ReturnType<typeof memoryEventStore>,
    network: (await loadNetwork(story.store, namespace))!,
  })
  const log = await story.log()
  for (const path of ['/v1/airdrops', '/v1/nodes', '/v1/wallets', '/v1/escrows', '/v1/fund', '/v1/ledger/entries'])
    assert.is((await api.get(`${path}?after=${log.at(-1)!.position}`)).status, 200)
  Object.assign(context, {
    api,
    log,
    async close() {
      await readSide.close()
      await api.close()
    },
  })
})
asOf.after(({ close }) => close())

/** Entities with their addresses, and what of their rows the address shows as it is. */
const entities: readonly [model: string, table: string, path: (row: Row) => string, columns: readonly string[]][] = [
  [
    'node-directory',
    'nodes',
    ({ nodeId }) => `/v1/nodes/${nodeId}`,
    ['status', 'publicKey', 'reputation', 'lastHeartbeatAt', 'updatedAt', 'changedPosition'],
  ],
  ['wallet-balances', 'wallets', ({ walletId }) => `/v1/wallets/${walletId}`, ['owner', 'posted', 'held', 'changedPosition']],
  [
    'escrow-summary',
    'escrows',
    ({ escrowId }) => `/v1/escrows/${escrowId}`,
    ['status', 'providerAmount', 'fundAmount', 'changedPosition'],
  ],
  ['community-fund', 'fundTotals', () => '/v1/fund', ['balance', 'swept', 'spent', 'returned', 'pending', 'changedPosition']],
  [
    'community-fund',
    'proposals',
    ({ proposalId }) => `/v1/fund/proposals/${proposalId}`,
    ['status', 'approvals', 'creditedAt', 'returned', 'changedPosition'],
  ],
  [
    'airdrops',
    'campaigns',
    ({ campaignId }) => `/v1/airdrops/${campaignId}`,
    ['status', 'claims', 'allotted', 'creditedAmount', 'returned', 'changedPosition'],
  ],
  [
    'airdrops',
    'allotments',
    ({ campaignId, nodeId }) => `/v1/airdrops/${campaignId}/allotments/${nodeId}`,
    ['amount', 'claimedAt', 'paidAt', 'award', 'changedPosition'],
  ],
]

const shown = (value: unknown) => (typeof value === 'bigint' ? String(value) : value)

asOf('an entity at a position is what the log up to there makes of it', async ({ api, log }) => {
  const random = randomFrom(seed)
  const ends = [1, log.length, ...Array.from({ length: 10 }, () => 1 + Math.floor(random() * log.length))]
  const all = (await foldLog(log, readModels, { keepRows: true })).tables
  for (const end of ends) {
    const { tables } = await foldLog(log.slice(0, end), readModels, { keepRows: true })
    const at = log[end - 1]!.position
    for (const [model, table, path, columns] of entities)
      for (const row of all[model]![table]!) {
        const address = path(row)
        const then = tables[model]![table]!.find((row) => path(row) === address)
        const { status, body } = await api.get(`${address}?asOf=${at}`)
        assert.is(status, then || address === '/v1/fund' ? 200 : 404, `${address} at ${at}`)
        if (then) for (const column of columns) assert.equal(body[column], shown(then[column]), `${address} ${column} at ${at}`)
      }
  }
})

asOf('an instant means the last event that was recorded up to it', async ({ api, log }) => {
  const { nodeId } = log.find(({ type }) => type === 'ReputationChanged')!.data as { nodeId: string }
  const changed = log.find(({ type }) => type === 'ReputationChanged')!
  const { recordedAt } = changed.metadata as { recordedAt: string }
  const before = new Date(Date.parse(recordedAt) - 1).toISOString()
  assert.is((await api.get(`/v1/nodes/${nodeId}?asOf=${before}`)).body.reputation, 50)
  assert.is((await api.get(`/v1/nodes/${nodeId}?asOf=${recordedAt}`)).body.reputation, 60)
  assert.is((await api.get(`/v1/nodes/${nodeId}?asOf=2020-01-01T00:00:00.000Z`)).status, 404)
})

asOf('histories end where it says, in every page', async ({ api, log }) => {
  const middle = log[Math.floor(log.length / 2)]!.position
  const { nodeId } = log.find(({ type }) => type === 'ReputationChanged')!.data as { nodeId: string }
  const lists: readonly [path: string, field: string][] = [
    ['/v1/ledger/entries', 'entries'],
    ['/v1/ledger/accounts/fund/entries', 'entries'],
    ['/v1/fund/sweeps', 'sweeps'],
    ['/v1/fund/contributions', 'contributions'],
    [`/v1/nodes/${nodeId}/reputation`, 'changes'],
    [`/v1/nodes/${nodeId}/events`, 'events'],
  ]
  for (const [path, field] of lists) {
    const positions: bigint[] = []
    for (let cursor = ''; ; ) {
      const { body, status } = await api.get(`${path}?asOf=${middle}&limit=2${cursor && `&cursor=${cursor}`}`)
      assert.is(status, 200, path)
      positions.push(...body[field].map(({ position }: { position: string }) => BigInt(position)))
      if (body.next === null) break
      cursor = body.next
    }
    const { body: whole } = await api.get(`${path}?limit=200`)
    const wanted = whole[field].map(({ position }: { position: string }) => BigInt(position)).filter((at: bigint) => at <= middle)
    assert.equal(positions.map(String), wanted.map(String), path)
  }
  const first = await api.get(`/v1/ledger/entries?asOf=${middle}&limit=1`)
  const stolen = await api.get(`/v1/ledger/entries?limit=1&cursor=${first.body.next}`)
  assert.is(stolen.body.code, 'CursorInvalid', 'a cursor is good for its own position alone')
})

asOf('what cannot be answered as of then says so', async ({ api, log }) => {
  const { nodeId } = log.find(({ type }) => type === 'HeartbeatRecorded')!.data as { nodeId: string }
  const paths = [
    '/v1/nodes',
    '/v1/wallets',
    '/v1/escrows',
    '/v1/airdrops',
    '/v1/fund/proposals',
    '/v1/stats',
    `/v1/nodes/${nodeId}/heartbeats`,
  ]
  for (const path of paths) {
    const { status, body } = await api.get(`${path}?asOf=0`)
    assert.equal([status, body.code, body.asOf], [422, 'AsOfUnavailable', '0'], path)
  }
  assert.is((await api.get(`/v1/nodes/${nodeId}?asOf=yesterday`)).status, 400)
})

asOf('a reputation is explained by its changes, which are in the log', async ({ api, log }) => {
  const { nodeId } = log.find(({ type }) => type === 'ReputationChanged')!.data as { nodeId: string }
  const { body } = await api.get(`/v1/nodes/${nodeId}/explain`)
  assert.equal(body.value, { nodeId, status: 'registered', reputation: 60 })
  assert.equal(
    body.contributions.map(({ rule, changes, sum }: Record<string, unknown>) => [rule, changes, sum]),
    [
      ['start', 0, 50],
      ['task_success', 1, 10],
    ],
  )
  assert.equal(
    body.events.map(({ type }: { type: string }) => type),
    ['NodeRegistered', 'ReputationChanged'],
  )
  assert.is((await api.get('/v1/nodes/nobody/explain')).body.code, 'NodeUnknown')
})

asOf.run()
