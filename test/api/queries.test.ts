import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultLimits } from '../../api/deps.ts'
import { canonicalJson } from '../../domain/canonical.ts'
import { leafHash } from '../../domain/merkle.ts'
import { type Api, newSigner, profile, type ReadSide, type Reply, startWhole, vitals } from './harness.ts'

const queries = suite<{ api: Api; readSide: ReadSide }>('api/queries')
queries.before(async (context) => {
  Object.assign(context, await startWhole({ limits: { ...defaultLimits, waitMs: 1500, readMs: 1000 } }))
})
queries.after(async ({ api, readSide }) => {
  await api.close()
  await readSide.close()
})

/** Sends a command that must be accepted; answers the position from which its effect shows. */
async function send(api: Api, ...command: Parameters<Api['sign']>): Promise<string> {
  const reply = await api.post('/v1/commands', api.sign(...command))
  assert.is(reply.status, 201, reply.text)
  return reply.headers.get('duxnet-position')!
}

async function register(api: Api, change: object = {}) {
  const node = newSigner()
  const position = await send(api, node, 'RegisterNode', node.nodeId, { profile: { ...profile, ...change } })
  return { ...node, position }
}

function ok(reply: Reply): Reply {
  assert.is(reply.status, 200, reply.text)
  assert.match(reply.headers.get('duxnet-position')!, /^\d+$/)
  return reply
}

queries('a node is there from the position of its command on', async ({ api }) => {
  const { nodeId, publicKey, position } = await register(api)
  const { body, headers } = ok(await api.get(`/v1/nodes/${nodeId}?after=${position}`))
  const { registeredAt, updatedAt, ...rest } = body
  assert.equal(rest, {
    nodeId,
    status: 'registered',
    publicKey,
    profile,
    reputation: 50,
    lastHeartbeatAt: null,
    vitals: null,
    changedPosition: position,
  })
  assert.equal([registeredAt, updatedAt], [api.clock.now.toISOString(), api.clock.now.toISOString()])
  assert.ok(BigInt(headers.get('duxnet-position')!) >= BigInt(position))
  assert.is(headers.get('content-type'), 'application/json; charset=utf-8')
  assert.is(headers.get('cache-control'), 'no-cache')
})

queries('an ETag changes with the node alone', async ({ api }) => {
  const node = await register(api)
  const path = `/v1/nodes/${node.nodeId}`
  const first = ok(await api.get(`${path}?after=${node.position}`))
  const etag = first.headers.get('etag')!
  const other = await register(api)
  const same = await api.get(`${path}?after=${other.position}`, { 'if-none-match': `"x", W/${etag}` })
  assert.is(same.status, 304)
  assert.is(same.text, '')
  assert.is(same.headers.get('etag'), etag)
  assert.is(same.headers.get('content-type'), null)
  assert.ok(BigInt(same.headers.get('duxnet-position')!) >= BigInt(other.position))
  const moved = await send(api, api.authority, 'ChangeReputation', node.nodeId, { rule: 'task_success' })
  const changed = ok(await api.get(`${path}?after=${moved}`, { 'if-none-match': etag }))
  assert.is(changed.body.reputation, 60)
  assert.is.not(changed.headers.get('etag'), etag)
  assert.is((await api.request(path, { method: 'HEAD', headers: { 'if-none-match': '*' } })).status, 304)
})

queries('a node that nobody knows is 404, and the answer says up to where', async ({ api }) => {
  const { nodeId } = newSigner()
  for (const path of ['', '/heartbeats', '/health', '/reputation', '/events']) {
    const { status, body, headers } = await api.get(`/v1/nodes/${nodeId}${path}`)
    assert.equal([path, status, body.code, body.nodeId], [path, 404, 'NodeUnknown', nodeId])
    assert.match(headers.get('duxnet-position')!, /^\d+$/)
  }
})

queries('a read model that does not come to the position in time says how far it came', async ({ api }) => {
  const { nodeId, position } = await register(api)
  const started = performance.now()
  const far = String(BigInt(position) + 1_000_000n)
  const { status, body, headers } = await api.get(`/v1/nodes/${nodeId}?after=${far}`)
  assert.equal([status, body.code], [503, 'ReadModelBehind'])
  assert.ok(BigInt(body.reached) >= BigInt(position))
  assert.is(headers.get('duxnet-position'), body.reached)
  assert.is(headers.get('retry-after'), '1')
  const waited = performance.now() - started
  assert.ok(waited > 1400, `waited ${waited} ms`)
})

queries('a wait ends as soon as the position is there', async ({ api }) => {
  const { nodeId, position } = await register(api)
  ok(await api.get(`/v1/nodes/${nodeId}?after=${position}`))
  const next = String(BigInt(position) + 1n)
  const waiting = api.get(`/v1/nodes/${nodeId}?after=${next}`)
  await sleep(50)
  await register(api)
  ok(await waiting)
})

queries('nodes are found by status, capability, region and reputation', async ({ api }) => {
  const region = `r-${randomUUID().slice(0, 8)}`
  const plain = await register(api, { region })
  const gpu = await register(api, { region, capabilities: ['cpu', 'gpu-cuda'] })
  const gone = await register(api, { region })
  await send(api, api.authority, 'ChangeReputation', gpu.nodeId, { rule: 'custom', delta: 40, reason: 'it is a test' })
  const after = await send(api, gone, 'DeregisterNode', gone.nodeId, {})
  const found = async (query: string) => {
    const { body } = ok(await api.get(`/v1/nodes?region=${region}&after=${after}${query}`))
    return body.nodes.map(({ nodeId }: { nodeId: string }) => nodeId)
  }
  const both = [plain.nodeId, gpu.nodeId].sort()
  assert.equal(await found(''), both)
  assert.equal(await found('&status=registered'), both)
  assert.equal(await found('&status=healthy'), [])
  assert.equal(await found('&capability=gpu-cuda'), [gpu.nodeId])
  assert.equal(await found('&min_reputation=90'), [gpu.nodeId])
  assert.equal(await found('&min_reputation=91'), [])
  assert.equal(await found('&sort=-reputation'), [gpu.nodeId, plain.nodeId])
  const left = ok(await api.get(`/v1/nodes/${gone.nodeId}`))
  assert.is(left.body.status, 'deregistered')
})

queries('pages follow each other by their cursors, whatever the order', async ({ api }) => {
  const region = `r-${randomUUID().slice(0, 8)}`
  const nodes: { nodeId: string; position: string }[] = []
  for (let n = 0; n < 7; n++) nodes.push(await register(api, { region }))
  const after = nodes.at(-1)!.position
  for (const sort of ['nodeId', '-nodeId', 'registeredAt', '-updatedAt', 'reputation', '-reputation']) {
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = `region=${region}&sort=${sort}&limit=3&after=${after}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
      const { body }: Reply = ok(await api.get(`/v1/nodes?${query}`))
      assert.ok(body.nodes.length <= 3)
      seen.push(...body.nodes.map(({ nodeId }: { nodeId: string }) => nodeId))
      cursor = body.next
    } while (cursor)
    assert.equal([...seen].sort(), nodes.map(({ nodeId }) => nodeId).sort(), sort)
  }
})

queries('a cursor goes with its own query only, and not over a rebuild', async ({ api, readSide }) => {
  const { position } = await register(api)
  await register(api)
  const { next } = ok(await api.get(`/v1/nodes?limit=1&after=${position}`)).body
  const use = (query: string, cursor = next) => api.get(`/v1/nodes?cursor=${encodeURIComponent(cursor)}${query}`)
  ok(await use(''))
  ok(await use('&limit=2'))
  for (const foreign of [
    await use('&status=healthy'),
    await use('&sort=-nodeId'),
    await use('', `${next}x`),
    await use('', next.slice(1)),
  ])
    assert.equal([foreign.status, foreign.body.code], [400, 'CursorInvalid'])
  const history = await api.get(`/v1/nodes/${newSigner().nodeId}/events?cursor=${encodeURIComponent(next)}`)
  assert.equal([history.status, history.body.code], [400, 'CursorInvalid'])

  const etag = ok(await api.get('/v1/stats')).headers.get('etag')
  await readSide.projector.rebuild(['node-directory'])
  const stale = await use('')
  assert.equal([stale.status, stale.body.code], [410, 'CursorExpired'])
  assert.is.not(ok(await api.get('/v1/stats')).headers.get('etag'), etag)
})

queries("a node's heartbeats, reputation and events are listed in pages", async ({ api }) => {
  const node = await register(api)
  const beats: string[] = []
  for (let n = 0; n < 3; n++) {
    api.clock.advance(60)
    beats.push(await send(api, node, 'RecordHeartbeat', node.nodeId, { vitals: { ...vitals, uptimeSeconds: n } }))
  }
  await send(api, api.authority, 'ChangeReputation', node.nodeId, { rule: 'malicious_behavior' })
  const after = await send(api, api.authority, 'ChangeReputation', node.nodeId, { rule: 'custom', delta: -1, reason: '“why”' })
  const path = `/v1/nodes/${node.nodeId}`

  const heartbeats = ok(await api.get(`${path}/heartbeats?limit=2&after=${after}`)).body
  assert.equal(
    heartbeats.heartbeats.map(({ vitals }: { vitals: { uptimeSeconds: number } }) => vitals.uptimeSeconds),
    [2, 1],
  )
  assert.is(heartbeats.heartbeats[0].position, beats[2])
  const rest = ok(await api.get(`${path}/heartbeats?limit=2&cursor=${encodeURIComponent(heartbeats.next)}`)).body
  assert.equal([rest.heartbeats.length, rest.next], [1, null])
  const oldest = ok(await api.get(`${path}/heartbeats?order=asc&limit=1`)).body
  assert.is(oldest.heartbeats[0].revision, 0)

  const { changes } = ok(await api.get(`${path}/reputation?after=${after}`)).body
  assert.equal(
    changes.map(({ rule, old, new: next, delta, applied, clamped, reason }: Record<string, unknown>) => [
      rule,
      old,
      next,
      delta,
      applied,
      clamped,
      reason,
    ]),
    [
      ['custom', 0, 0, -1, 0, true, '“why”'],
      ['malicious_behavior', 50, 0, -50, -50, false, null],
    ],
  )
  assert.equal(ok(await api.get(`${path}/health?after=${after}`)).body, { changes: [], next: null })

  const { events } = ok(await api.get(`${path}/events?after=${after}`)).body
  assert.equal(
    events.map(({ event }: { event: { type: string } }) => event.type),
    ['NodeRegistered', 'HeartbeatRecorded', 'HeartbeatRecorded', 'HeartbeatRecorded', 'ReputationChanged', 'ReputationChanged'],
  )
  for (const { leaf, event } of events) assert.is(leaf, leafHash(canonicalJson(event)).toString('hex'))
  assert.is(events[0].event.metadata.publicKey, node.publicKey)
  assert.match(events[0].event.metadata.command, 'RegisterNode')
  assert.equal(ok(await api.get(`/v1/events?subject=node:${node.nodeId}`)).body, { events, next: null })
})

queries('the events of whatever a subject is are listed in pages, in either order', async ({ api }) => {
  const { networkId } = api.network
  const path = `/v1/events?subject=network:${networkId}`
  const { events } = ok(await api.get(path)).body
  assert.equal(
    events.map(({ index, event }: { index: number; event: { type: string } }) => [index, event.type]),
    [[0, 'NetworkFounded']],
  )
  const node = await register(api)
  const after = await send(api, api.authority, 'ChangeReputation', node.nodeId, { rule: 'task_success' })
  const all = `/v1/events?subject=node:${node.nodeId}`
  const newest = ok(await api.get(`${all}&order=desc&limit=1&after=${after}`)).body
  const older = ok(await api.get(`${all}&order=desc&cursor=${encodeURIComponent(newest.next)}`)).body
  assert.equal(
    [...newest.events, ...older.events].map(({ event }: { event: { type: string } }) => event.type),
    ['ReputationChanged', 'NodeRegistered'],
  )
  for (const foreign of [`${all}&order=asc`, `${path}&order=desc`, `/v1/nodes/${node.nodeId}/events?order=desc`]) {
    const { status, body } = await api.get(`${foreign}&cursor=${encodeURIComponent(newest.next)}`)
    assert.equal([status, body.code], [400, 'CursorInvalid'])
  }
  assert.equal(ok(await api.get('/v1/events?subject=wallet:nobody')).body, { events: [], next: null })
  for (const wrong of ['', '?subject=', '?subject=node', '?subject=node:', `?subject=Node:${node.nodeId}`, '?subject=node:a%20b']) {
    const { status, body } = await api.get(`/v1/events${wrong}`)
    assert.equal([status, body.code, body.parameter], [400, 'ParameterInvalid', 'subject'])
  }
})

queries('a command can be asked after', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  const path = `/v1/commands/${envelope.command.commandId}`
  const before = await api.get(path)
  assert.equal([before.status, before.body.code], [404, 'CommandUnknown'])
  const { headers, body } = await api.post('/v1/nodes', envelope)
  assert.is(headers.get('location'), path)
  const { events } = ok(await api.get(`${path}?after=${body.position}`)).body
  assert.equal([events.length, events[0].event.id, events[0].position], [1, body.events[0].id, body.position])
})

queries('the network tells its keys, its policy and the time', async ({ api }) => {
  const { body, headers } = ok(await api.get('/v1/network'))
  const { serverTime, changedPosition, ...network } = body
  assert.equal(network, api.network)
  assert.is(serverTime, api.clock.now.toISOString())
  assert.match(changedPosition, /^\d+$/)
  assert.is(headers.get('cache-control'), 'no-store')
  const etag = headers.get('etag')!
  assert.match(etag, /^W\/"/)
  api.clock.advance(1)
  assert.is(ok(await api.get('/v1/network')).headers.get('etag'), etag)
  assert.is((await api.get('/v1/network', { 'if-none-match': etag })).status, 304)
})

queries('the figures of the network count who is there', async ({ api }) => {
  const before = ok(await api.get('/v1/stats')).body
  const { position } = await register(api)
  const { body } = ok(await api.get(`/v1/stats?after=${position}`))
  assert.is(body.nodes.registered, before.nodes.registered + 1)
  assert.is(body.cores, before.cores + profile.cores)
  assert.is(body.memoryBytes, before.memoryBytes + profile.memoryBytes)
})

queries('the first page shows the network and its nodes, and escapes what they say', async ({ api }) => {
  const { nodeId, position } = await register(api)
  ok(await api.get(`/v1/nodes/${nodeId}?after=${position}`))
  const { status, text, headers } = await api.get('/')
  assert.is(status, 200)
  assert.is(headers.get('content-type'), 'text/html; charset=utf-8')
  assert.match(text, api.network.networkId)
  assert.match(text, nodeId)
})

queries('with Postgres away queries are 503 and commands go on; when it is back, so are they', async ({ api, readSide }) => {
  const { nodeId, position } = await register(api)
  const path = `/v1/nodes/${nodeId}`
  ok(await api.get(`${path}?after=${position}`))
  await readSide.door.shut()
  for (const query of ['', `?after=${BigInt(position) + 1n}`]) {
    const { status, body, headers } = await api.get(path + query)
    assert.equal([status, body.code, headers.get('retry-after')], [503, 'ReadModelUnavailable', '2'])
  }
  await register(api)
  await readSide.door.open()
  ok(await api.get(path))
})

queries('a Postgres that hangs costs a query no more than its time', async ({ api, readSide }) => {
  const { nodeId, position } = await register(api)
  const path = `/v1/nodes/${nodeId}`
  ok(await api.get(`${path}?after=${position}`))
  readSide.door.hush()
  const started = performance.now()
  const { status, body } = await api.get(path)
  assert.equal([status, body.code], [503, 'ReadModelUnavailable'])
  assert.ok(performance.now() - started < 2000)
  await readSide.door.open()
  ok(await eventually(() => api.get(path)))
})

/** The first answer that is no 503: connections that were lost are found to be so one by one. */
async function eventually(ask: () => Promise<Reply>): Promise<Reply> {
  for (let tries = 0; ; tries++) {
    const reply = await ask()
    if (reply.status !== 503 || tries === 20) return reply
    await sleep(50)
  }
}

queries.run()
