// What the live page makes of events, beside what the read model makes of the same log.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Api, newSigner, profile, type ReadSide, startWhole, vitals } from './harness.ts'

// A script of pages, without types.
const page: string = '../../api/pages/nodes-state.js'
const { applyEvent, chosen, counts, linePath, summary } = await import(page)

const test = suite<{ api: Api; readSide: ReadSide }>('api/pages/nodes-state')
test.before(async (context) => {
  Object.assign(context, await startWhole())
})
test.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

async function send(api: Api, ...command: Parameters<Api['sign']>): Promise<string> {
  api.clock.advance(61)
  const reply = await api.post('/v1/commands', api.sign(...command))
  assert.is(reply.status, 201, reply.text)
  return reply.headers.get('duxnet-position')!
}

test('folding every event gives the nodes that the query API has', async ({ api }) => {
  const [one, other, gone] = [newSigner(), newSigner(), newSigner()]
  for (const node of [one, other, gone]) await send(api, node, 'RegisterNode', node.nodeId, { profile })
  await send(api, one, 'RecordHeartbeat', one.nodeId, { vitals })
  const at = api.clock.now.toISOString()
  await send(api, api.services.health, 'ChangeHealth', one.nodeId, {
    to: 'healthy',
    reasons: [],
    at,
    heartbeatRevision: 0,
  })
  await send(api, other, 'UpdateNode', other.nodeId, { profile: { ...profile, region: 'moved' } })
  await send(api, api.authority, 'ChangeReputation', one.nodeId, { rule: 'task_success' })
  const position = await send(api, gone, 'DeregisterNode', gone.nodeId, {})

  const nodes = new Map()
  for await (const event of api.store.readAll()) applyEvent(nodes, event)
  const { body } = await api.get(`/v1/nodes?after=${position}`)
  assert.is(nodes.size, 2)
  for (const { nodeId, status, profile, vitals, lastHeartbeatAt, reputation } of body.nodes) {
    const shown = nodes.get(nodeId)
    assert.equal([shown.status, shown.profile, shown.vitals, shown.lastHeartbeatAt], [status, profile, vitals, lastHeartbeatAt])
    if (nodeId === one.nodeId) assert.is(shown.reputation, reputation)
  }
  assert.equal(counts(nodes), { all: 2, healthy: 1, unhealthy: 0, offline: 0, registered: 1 })
  assert.equal(
    chosen(nodes, { status: 'all', text: 'moved' }).map(({ nodeId }: { nodeId: string }) => nodeId),
    [other.nodeId],
  )
  assert.is(chosen(nodes, { status: 'offline', text: '' }).length, 0)
})

test('an event of what is not known changes nothing', () => {
  const nodes = new Map()
  applyEvent(nodes, { type: 'HeartbeatRecorded', data: { nodeId: 'n' }, metadata: {} })
  assert.is(applyEvent(nodes, { type: 'EscrowOpened', data: {}, metadata: {} }), undefined)
  assert.is(nodes.size, 0)
})

test('a line goes through its values, within its bounds, and stops where there are none', () => {
  assert.is(linePath([0, 0.5, 2], 1, 100, 10), 'M0.0 10.0L50.0 5.0L100.0 0.0')
  assert.is(linePath([0, null, 1], 1, 100, 10), 'M0.0 10.0M100.0 0.0')
  assert.is(linePath([], 1, 100, 10), '')
})

test('an event is told in a few words', () => {
  const data = { nodeId: 'abc', from: 'healthy', to: 'offline', reasons: ['missed_heartbeats'] }
  const told = summary({ type: 'NodeHealthChanged', stream: 'dux_health-abc', data })
  assert.equal(told, { type: 'NodeHealthChanged', id: 'abc', text: 'healthy → offline (missed_heartbeats)' })
  assert.is(summary({ type: 'FundNews', stream: 'dux_fund-community', data: {} }).id, 'community')
})

test.run()
