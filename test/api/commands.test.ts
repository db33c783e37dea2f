import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { defaultLimits } from '../../api/deps.ts'
import type { CommandOutcome } from '../../commands/ports.ts'
import { proveKey } from '../../commands/sign.ts'
import { DomainError } from '../../domain/errors.ts'
import { type Api, countEvents, newSigner, profile, type Reply, startApi, vitals } from './harness.ts'

const commands = suite<{ api: Api }>('api/commands')
commands.before.each(async (context) => {
  context.api = await startApi()
})
commands.after.each(({ api }) => api.close())

function refused(reply: Reply, status: number, code: string, details: object = {}): void {
  assert.is(reply.status, status, reply.text)
  assert.is(reply.headers.get('content-type'), 'application/problem+json')
  assert.is(reply.headers.get('cache-control'), 'no-store')
  assert.is(reply.body.code, code)
  assert.is(reply.body.status, status)
  assert.is(reply.body.type, `/problems/${code.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase()}`)
  assert.match(reply.body.traceId, /^[0-9a-f]{32}$/)
  for (const [name, value] of Object.entries(details)) assert.equal(reply.body[name], value, name)
}

async function registered(api: Api) {
  const node = newSigner()
  const reply = await api.post('/v1/nodes', api.sign(node, 'RegisterNode', node.nodeId, { profile }))
  assert.is(reply.status, 201, reply.text)
  return node
}

commands('a node is registered', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  const reply = await api.post('/v1/nodes', envelope)
  assert.is(reply.status, 201)
  assert.is(reply.headers.get('location'), `/v1/commands/${envelope.command.commandId}`)
  assert.is(reply.headers.get('duxnet-position'), reply.body.position)
  const { events, ...rest } = reply.body
  assert.equal(rest, {
    commandId: envelope.command.commandId,
    outcome: 'accepted',
    stream: `dux_node-${node.nodeId}`,
    position: reply.body.position,
  })
  assert.is(events[0].type, 'NodeRegistered')
  assert.equal(events[0].data, { nodeId: node.nodeId, publicKey: node.publicKey, profile })
  assert.is(await countEvents(api.store), 2)
})

commands('a repeated command gets its first answer', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  const first = await api.post('/v1/commands', envelope)
  const again = await api.post('/v1/commands', envelope)
  assert.is(again.status, 200)
  assert.equal(again.body, { ...first.body, outcome: 'repeated' })
  assert.is(again.headers.get('duxnet-position'), first.headers.get('duxnet-position'))
  assert.is(await countEvents(api.store), 2)
})

commands('what is already so is answered unchanged, without a position', async ({ api }) => {
  const node = await registered(api)
  const reply = await api.post('/v1/nodes', api.sign(node, 'RegisterNode', node.nodeId, { profile }))
  assert.is(reply.status, 200)
  assert.is(reply.body.outcome, 'unchanged')
  assert.equal(reply.body.events, [])
  assert.not.ok('position' in reply.body)
  assert.is(reply.headers.get('duxnet-position'), null)
})

commands('every alias takes its own command', async ({ api }) => {
  const node = await registered(api)
  const next = newSigner()
  const { nodeId } = node
  const commandId = randomUUID()
  const proof = proveKey(next, { networkId: api.network.networkId, nodeId, commandId })
  const replies = [
    await api.post(
      `/v1/nodes/${nodeId}/update`,
      api.sign(node, 'UpdateNode', nodeId, { profile: { ...profile, version: '0.2.0' } }),
    ),
    await api.post(`/v1/nodes/${nodeId}/heartbeats`, api.sign(node, 'RecordHeartbeat', nodeId, { vitals })),
    await api.post(`/v1/nodes/${nodeId}/reputation`, api.sign(api.authority, 'ChangeReputation', nodeId, { rule: 'task_success' })),
    await api.post(`/v1/nodes/${nodeId}/key`, api.sign(node, 'ChangeNodeKey', nodeId, proof, { commandId })),
    await api.post(`/v1/nodes/${nodeId}/deregister`, api.sign(next, 'DeregisterNode', nodeId, {})),
  ]
  assert.equal(
    replies.map(({ status, body }) => [status, body.events?.[0].type]),
    [
      [201, 'NodeUpdated'],
      [201, 'HeartbeatRecorded'],
      [201, 'ReputationChanged'],
      [201, 'NodeKeyChanged'],
      [201, 'NodeDeregistered'],
    ],
  )
})

commands('an alias refuses a command of another type or about another node', async ({ api }) => {
  const node = await registered(api)
  const update = api.sign(node, 'UpdateNode', node.nodeId, { profile: { ...profile, cores: 2 } })
  refused(await api.post('/v1/nodes', update), 400, 'CommandNotForThisRoute', { field: 'command.type' })
  refused(await api.post(`/v1/nodes/${newSigner().nodeId}/update`, update), 400, 'CommandNotForThisRoute', {
    field: 'command.subject',
  })
  refused(await api.post('/v1/nodes/NOT-AN-ID/update', update), 400, 'ParameterInvalid', { parameter: 'id' })
  assert.is(await countEvents(api.store), 2)
})

commands('every refusal has its status and says why, and nothing is appended', async ({ api }) => {
  const { authority, network } = api
  const node = await registered(api)
  const left = await registered(api)
  const stranger = newSigner()
  const { nodeId } = node
  await api.post('/v1/commands', api.sign(left, 'DeregisterNode', left.nodeId, {}))
  const beat = (change = {}, data: object = { vitals }) => api.sign(node, 'RecordHeartbeat', nodeId, data, change)
  const taken = beat()
  assert.is((await api.post('/v1/commands', taken)).status, 201)
  api.clock.advance(1)
  assert.is((await api.post('/v1/commands', beat())).status, 201)
  const reused = beat({ commandId: taken.command.commandId })
  const ago = (seconds: number) => new Date(api.clock.now.getTime() - seconds * 1000).toISOString()
  const before = await countEvents(api.store)
  const malleated = malleate(beat().signature)
  const cases: [envelope: unknown, status: number, code: string, details?: object][] = [
    [[], 400, 'CommandMalformed'],
    [{}, 400, 'CommandMalformed'],
    [{ ...beat(), extra: 1 }, 400, 'CommandMalformed', { field: 'extra' }],
    [beat({}, { vitals: { ...vitals, cores: 0 } }), 400, 'CommandMalformed', { field: 'command.data.vitals.cores' }],
    [beat({}, { vitals: { ...vitals, cores: '8' } }), 400, 'CommandMalformed', { field: 'command.data.vitals.cores' }],
    [beat({}, { vitals: { ...vitals, mood: 1 } }), 400, 'CommandMalformed', { field: 'command.data.vitals.mood' }],
    [beat({ commandId: 'X' }), 400, 'CommandMalformed', { field: 'command.commandId' }],
    [beat({ issuedAt: '2026-02-30T00:00:00.000Z' }), 400, 'CommandMalformed', { field: 'command.issuedAt' }],
    [api.sign(node, 'FlyToTheMoon', nodeId, {}), 400, 'CommandUnknownType', { field: 'command.type' }],
    [beat({}, { vitals, note: 'x'.repeat(17_000) }), 413, 'CommandTooLarge', { bytesMax: 16_384 }],
    [{ ...beat(), publicKey: stranger.publicKey }, 403, 'SignatureInvalid', { field: 'signature' }],
    [{ ...beat(), signature: malleated }, 403, 'SignatureInvalid', { field: 'signature' }],
    [{ ...beat(), publicKey: 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }, 403, 'SignatureInvalid'],
    [beat({ audience: randomUUID() }), 422, 'AudienceMismatch', { expected: network.networkId }],
    [reused, 409, 'CommandIdReused'],
    [beat({ issuedAt: ago(301) }), 422, 'CommandStale', { serverTime: api.clock.now.toISOString() }],
    [beat({ issuedAt: ago(-301) }), 422, 'CommandFromTheFuture', { serverTime: api.clock.now.toISOString() }],
    [api.sign(stranger, 'RecordHeartbeat', nodeId, { vitals }), 403, 'SignerNotAllowed', { needed: 'node' }],
    [api.sign(node, 'ChangeReputation', nodeId, { rule: 'task_success' }), 403, 'SignerNotAllowed', { needed: 'authority' }],
    [api.sign(stranger, 'RecordHeartbeat', stranger.nodeId, { vitals }), 404, 'NodeNotRegistered', { nodeId: stranger.nodeId }],
    [api.sign(node, 'RegisterNode', nodeId, { profile: { ...profile, cores: 3 } }), 409, 'NodeAlreadyRegistered'],
    [api.sign(left, 'UpdateNode', left.nodeId, { profile }), 409, 'NodeDeregistered'],
    [api.sign(stranger, 'RegisterNode', newSigner().nodeId, { profile }), 422, 'NodeIdMismatch', { expected: stranger.nodeId }],
    [
      api.sign(node, 'ChangeNodeKey', nodeId, { publicKey: stranger.publicKey, proof: taken.signature }),
      422,
      'NodeKeyProofInvalid',
    ],
    [beat({ issuedAt: taken.command.issuedAt }), 409, 'HeartbeatOutOfOrder'],
    [beat({ issuedAt: ago(-1) }), 429, 'HeartbeatTooEarly', { retryAfterSeconds: 59, serverTime: api.clock.now.toISOString() }],
    [api.sign(authority, 'ChangeReputation', nodeId, { rule: 'no_such_rule' }), 422, 'ReputationRuleUnknown'],
  ]
  for (const [envelope, status, code, details] of cases) refused(await api.post('/v1/commands', envelope), status, code, details)
  assert.is(await countEvents(api.store), before)
  assert.equal(api.logged, [])
})

/** The same signature with the group order added to S: valid to a lax verifier. */
function malleate(signature: string): string {
  const bytes = Buffer.from(signature, 'base64url')
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order
  Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(bytes, 32)
  return bytes.toString('base64url')
}

commands('a heartbeat that comes too early says when to come again', async ({ api }) => {
  const node = await registered(api)
  const send = () => {
    api.clock.advance(1)
    return api.post(`/v1/nodes/${node.nodeId}/heartbeats`, api.sign(node, 'RecordHeartbeat', node.nodeId, { vitals }))
  }
  assert.equal([(await send()).status, (await send()).status], [201, 201])
  const early = await send()
  refused(early, 429, 'HeartbeatTooEarly', { retryAfterSeconds: 58, serverTime: api.clock.now.toISOString() })
  assert.is(early.headers.get('retry-after'), '58')
  api.clock.advance(58)
  assert.is((await send()).status, 201)
})

commands('bad bodies are refused before they are commands', async ({ api }) => {
  const post = (body: string, headers = {}) => api.post('/v1/commands', body, headers)
  refused(await post(''), 400, 'BodyMalformed')
  refused(await post('{\n"command":}'), 400, 'BodyMalformed', { line: 2, column: 11, offset: 12 })
  refused(await post('{"publicKey":"a","publicKey":"b"}'), 400, 'BodyMalformed', { reason: 'the name "publicKey" is given twice' })
  refused(await post('{}', { 'content-type': 'text/plain' }), 415, 'MediaTypeUnsupported')
  refused(await post('{}', { 'content-type': 'application/json; charset=latin1' }), 415, 'MediaTypeUnsupported')
  refused(await post('{}', { 'content-encoding': 'gzip' }), 415, 'MediaTypeUnsupported')
  refused(await post(JSON.stringify({ a: 'x'.repeat(70_000) })), 413, 'BodyTooLarge', { bytesMax: 65_536 })
  refused(
    await api.request('/v1/commands', {
      method: 'POST',
      body: Buffer.from([0x22, 0xff, 0x22]),
      headers: { 'content-type': 'application/json' },
    }),
    400,
    'BodyMalformed',
    { reason: 'the body is not UTF-8' },
  )
  refused(await api.post('/v1/commands?dry=1', {}), 400, 'ParameterInvalid', { parameter: 'dry' })
  assert.is(await countEvents(api.store), 1)
})

commands('a JSON body may name its charset', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  assert.is((await api.post('/v1/nodes', envelope, { 'content-type': 'Application/JSON;charset="UTF-8"' })).status, 201)
})

commands('with the event store away commands are answered 503 soon, and nothing is lost or doubled', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  api.store.goAway()
  const started = performance.now()
  const reply = await api.post('/v1/commands', envelope)
  refused(reply, 503, 'EventStoreUnavailable')
  assert.ok(Number(reply.headers.get('retry-after')) > 0)
  assert.ok(performance.now() - started < 3000)
  api.store.comeBack()
  assert.is((await api.post('/v1/commands', envelope)).body.outcome, 'accepted')
  assert.equal(
    api.logged.map(({ level }) => level),
    ['warn'],
  )
})

commands('a command whose outcome is unknown is answered with its id, and sending it again says which', async ({ api }) => {
  const node = newSigner()
  const envelope = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  const { append } = api.store
  api.store.append = async (...written) => {
    try {
      return await append(...written)
    } catch (error) {
      // The reply is lost because the store goes: asking again does not help either.
      api.store.goAway()
      throw error
    }
  }
  api.store.loseNextReply()
  const reply = await api.post('/v1/commands', envelope)
  refused(reply, 503, 'CommandOutcomeUnknown', { commandId: envelope.command.commandId })
  assert.ok(Number(reply.headers.get('retry-after')) > 0)
  api.store.comeBack()
  api.store.append = append
  const again = await api.post('/v1/commands', envelope)
  assert.ok(['accepted', 'repeated'].includes(again.body.outcome), again.text)
  assert.is(await countEvents(api.store), 2)
})

commands('the trace of a request is kept with its events and named in its problems', async ({ api }) => {
  const node = newSigner()
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const register = api.sign(node, 'RegisterNode', node.nodeId, { profile })
  await api.post('/v1/nodes', register, { traceparent })
  for await (const { metadata } of api.store.readStream(`dux_node-${node.nodeId}`))
    assert.is((metadata as { traceparent?: string }).traceparent, traceparent)
  const problem = await api.post('/v1/nodes', {}, { traceparent })
  assert.is(problem.body.traceId, '4bf92f3577b34da6a3ce929d0e0e4736')
  assert.is.not(
    (await api.post('/v1/nodes', {}, { traceparent: `${traceparent}0` })).body.traceId,
    '4bf92f3577b34da6a3ce929d0e0e4736',
  )
})

const batches = suite<{ api: Api }>('api/commands, batches of heartbeats')
batches.before.each(async (context) => {
  context.api = await startApi()
})
batches.after.each(({ api }) => api.close())

batches('each heartbeat gets its own answer, in their order', async ({ api }) => {
  const [a, b] = [await registered(api), await registered(api)]
  const beat = (node: typeof a, data: object = { vitals }, change = {}) =>
    api.sign(node, 'RecordHeartbeat', node.nodeId, data, change)
  const again = beat(b)
  const later = (seconds: number) => ({ issuedAt: new Date(api.clock.now.getTime() + seconds * 1000).toISOString() })
  const heartbeats = [
    beat(a),
    again,
    'nonsense',
    beat(b, { vitals: { ...vitals, cores: -1 } }),
    again,
    beat(a, { vitals }, later(1)),
    api.sign(a, 'UpdateNode', a.nodeId, { profile: { ...profile, cores: 2 } }),
    beat(a, { vitals }, later(2)),
    beat(newSigner() as typeof a),
  ]
  const reply = await api.post('/v1/heartbeats', { heartbeats })
  assert.is(reply.status, 200)
  const { answers } = reply.body
  assert.equal(
    answers.map(({ status, outcome, problem }: { status: number; outcome?: string; problem?: { code: string } }) => [
      status,
      outcome ?? problem!.code,
    ]),
    [
      [201, 'accepted'],
      [201, 'accepted'],
      [400, 'CommandMalformed'],
      [400, 'CommandMalformed'],
      [200, 'repeated'],
      [201, 'accepted'],
      [400, 'CommandNotForThisRoute'],
      [429, 'HeartbeatTooEarly'],
      [404, 'NodeNotRegistered'],
    ],
  )
  assert.is(answers[0].commandId, heartbeats[0] instanceof Object ? heartbeats[0].command.commandId : '')
  assert.is(reply.headers.get('duxnet-position'), String((await api.store.head())!.position))
  assert.is(await countEvents(api.store), 1 + 2 + 3)
})

batches('a thousand at once, and no more', async ({ api }) => {
  const nodes = Array.from({ length: 1000 }, newSigner)
  for (let start = 0; start < nodes.length; start += 100)
    await Promise.all(
      nodes
        .slice(start, start + 100)
        .map((node) => api.post('/v1/nodes', api.sign(node, 'RegisterNode', node.nodeId, { profile }))),
    )
  const heartbeats = nodes.map((node) => api.sign(node, 'RecordHeartbeat', node.nodeId, { vitals }))
  const { status, body } = await api.post('/v1/heartbeats', { heartbeats })
  assert.is(status, 200)
  assert.ok(body.answers.every((answer: { status: number }) => answer.status === 201))
  assert.equal(
    body.answers.map(({ commandId }: { commandId: string }) => commandId),
    heartbeats.map(({ command }) => command.commandId),
  )
  refused(await api.post('/v1/heartbeats', { heartbeats: [...heartbeats, heartbeats[0]] }), 400, 'BodyInvalid', {
    field: 'heartbeats',
  })
  refused(await api.post('/v1/heartbeats', { heartbeats: [] }), 400, 'BodyInvalid', { field: 'heartbeats' })
  refused(await api.post('/v1/heartbeats', { heartbeats, more: 1 }), 400, 'BodyInvalid', { field: 'more' })
  refused(await api.post('/v1/heartbeats', `{"heartbeats":["${'x'.repeat(2 ** 21)}"]}`), 413, 'BodyTooLarge')
})

batches('with the event store away the whole batch is answered 503', async ({ api }) => {
  const node = await registered(api)
  api.store.goAway()
  const reply = await api.post('/v1/heartbeats', { heartbeats: [api.sign(node, 'RecordHeartbeat', node.nodeId, { vitals })] })
  refused(reply, 503, 'EventStoreUnavailable')
})

const overload = suite('api/commands, overload and faults')

overload('more commands than are taken at once are answered 503 before anything is done', async () => {
  const release = Promise.withResolvers<void>()
  let begun = 0
  const submit = async (): Promise<CommandOutcome> => {
    begun++
    await release.promise
    throw new DomainError('NodeNotRegistered', {})
  }
  const api = await startApi({ submit, limits: { ...defaultLimits, commandsAtOnce: 2, batchesAtOnce: 1 } })
  const waiting = [api.post('/v1/commands', {}), api.post('/v1/commands', {}), api.post('/v1/heartbeats', { heartbeats: [1] })]
  while (begun < 3) await new Promise((resolve) => setTimeout(resolve, 5))
  const reply = await api.post('/v1/commands', 'not even JSON')
  refused(reply, 503, 'Overloaded')
  assert.is(reply.headers.get('retry-after'), '1')
  refused(await api.post('/v1/heartbeats', { heartbeats: [1] }), 503, 'Overloaded')
  assert.is(begun, 3)
  assert.is((await api.get('/livez')).status, 200)
  release.resolve()
  assert.equal(
    (await Promise.all(waiting)).map(({ status }) => status),
    [404, 404, 200],
  )
  refused(await api.post('/v1/commands', {}), 404, 'NodeNotRegistered')
  await api.close()
})

overload('an error that nobody foresaw tells nothing but its trace, under which it is logged', async () => {
  const api = await startApi({
    submit: async () => {
      throw new TypeError('the secret is out')
    },
  })
  const reply = await api.post('/v1/commands', {})
  refused(reply, 500, 'InternalError')
  assert.not.match(reply.text, 'secret')
  const batch = await api.post('/v1/heartbeats', { heartbeats: [{}] })
  assert.is(batch.body.answers[0].problem.code, 'InternalError')
  assert.equal(
    api.logged.map(({ level, fields }) => [level, fields.traceId, (fields.err as Error).message]),
    [
      ['error', reply.body.traceId, 'the secret is out'],
      ['error', batch.body.answers[0].problem.traceId, 'the secret is out'],
    ],
  )
  await api.close()
})

commands.run()
batches.run()
overload.run()
