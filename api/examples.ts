import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto'
import type { CommandType } from '../commands/catalogue.ts'
import type { Signer } from '../commands/ports.ts'
import { eventsToAppend } from '../commands/record.ts'
import { proveKey, signCommand } from '../commands/sign.ts'
import type { Json } from '../domain/canonical.ts'
import { commandText, type Envelope } from '../domain/envelope.ts'
import { canonicalEvent } from '../domain/event.ts'
import { nodeIdOf, uuidV5 } from '../domain/ids.ts'
import { leafHash } from '../domain/merkle.ts'
import { initialPolicy } from '../domain/network/policy.ts'

// The examples of the OpenAPI document: the same at every start, so that its ETag is too, and truly signed, so that whoever
// writes a client can check it against them.
const networkId = '5f0c6a52-7f0e-4a58-9d5b-3b0c1a9e7d10'
const issuedAt = '2026-11-23T10:15:30.000Z'
const recordedAt = '2026-11-23T10:15:30.042Z'
const position = '184467'
const node = signerOf('node')
const authority = signerOf('authority')
const nodeId = nodeIdOf(node.publicKey)

/** A key out of a word: nothing that anybody should ever use. */
function signerOf(word: string): Signer {
  const seed = createHash('sha256').update(`duxnet example ${word}`).digest()
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })
  return {
    publicKey: createPublicKey(privateKey).export({ format: 'jwk' }).x!,
    sign: (message) => sign(null, message, privateKey).toString('base64url'),
  }
}

const profile = {
  cores: 8,
  memoryBytes: 34_359_738_368,
  platform: 'linux',
  arch: 'x64',
  version: '0.1.0',
  region: 'eu-central',
  capabilities: ['container', 'cpu'],
}

const vitals = {
  uptimeSeconds: 86_400,
  loadPermille: 1250,
  cores: 8,
  memoryUsedBytes: 12_884_901_888,
  memoryTotalBytes: 34_359_738_368,
  cpuPermille: 156,
  tasksSucceeded: 12,
  tasksFailed: 1,
}

const commandIdOf = (type: CommandType) => uuidV5(networkId, `example ${type}`)

const data = {
  RegisterNode: { profile },
  UpdateNode: { profile: { ...profile, version: '0.2.0' } },
  ChangeNodeKey: proveKey(signerOf('next key'), { networkId, nodeId, commandId: commandIdOf('ChangeNodeKey') }),
  DeregisterNode: {},
  RecordHeartbeat: { vitals },
  ChangeReputation: { rule: 'task_success' },
} satisfies { readonly [Type in CommandType]?: { readonly [field: string]: Json } }

/** What `POST /v1/commands` takes, signed by the example's node or authority. */
export function exampleEnvelope(type: keyof typeof data): Envelope {
  const command = {
    type,
    subject: nodeId,
    data: data[type] as Envelope['command']['data'],
    commandId: commandIdOf(type),
    issuedAt,
    audience: networkId,
  }
  return signCommand(type === 'ChangeReputation' ? authority : node, command)
}

const stream = `dux_heartbeat-${nodeId}`
const heartbeat = exampleEnvelope('RecordHeartbeat')
const recording = {
  networkId,
  stream,
  commandId: heartbeat.command.commandId,
  publicKey: heartbeat.publicKey,
  signature: heartbeat.signature,
  text: commandText(heartbeat.command),
  actor: `node:${nodeId}`,
  rules: 1,
  policyVersion: 1,
  now: recordedAt,
  seen: {
    network: { stream: `dux_network-${networkId}`, revision: 0 },
    node: { stream: `dux_node-${nodeId}`, revision: 0 },
  },
}
const [made] = eventsToAppend([{ type: 'HeartbeatRecorded', data: { nodeId, issuedAt, vitals } }], recording)
const event = { ...made!, stream, revision: 41 }
const { id, type, data: eventData, revision } = event

/** What the addresses answer about the example's node. */
export const example = {
  commandAnswer: {
    commandId: recording.commandId,
    outcome: 'accepted',
    stream,
    events: [{ id, revision, type, data: eventData }],
    position,
  },
  recordedAt,
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  heartbeatCommandId: recording.commandId,
  node: {
    nodeId,
    status: 'healthy',
    publicKey: node.publicKey,
    profile,
    reputation: 60,
    registeredAt: '2026-11-23T09:34:12.801Z',
    updatedAt: '2026-11-23T09:34:12.801Z',
    lastHeartbeatAt: recordedAt,
    vitals,
    changedPosition: position,
  },
  heartbeat: { revision, issuedAt, recordedAt, vitals, position },
  healthChange: {
    revision: 2,
    from: 'offline',
    to: 'healthy',
    reasons: [],
    at: recordedAt,
    recordedAt: '2026-11-23T10:15:30.118Z',
    heartbeatRevision: revision,
    position: '184512',
  },
  reputationChange: {
    revision: 0,
    rule: 'task_success',
    reason: null,
    old: 50,
    new: 60,
    delta: 10,
    applied: 10,
    clamped: false,
    recordedAt,
    position: '184600',
  },
  event: { index: 97, position, leaf: leafHash(canonicalEvent(event)).toString('hex'), event },
  network: {
    networkId,
    kind: 'test',
    foundedAt: '2026-11-23T09:30:00.000Z',
    authority: authority.publicKey,
    serviceKeys: { health: signerOf('health').publicKey },
    logKey: signerOf('log').publicKey,
    stewards: { members: [], threshold: 0 },
    arbiters: { members: [], threshold: 0 },
    governors: { members: [], threshold: 0 },
    policy: initialPolicy,
    changedPosition: '0',
    serverTime: recordedAt,
  },
  stats: {
    nodes: { registered: 0, healthy: 3, unhealthy: 1, offline: 1, deregistered: 2 },
    cores: 32,
    memoryBytes: 137_438_953_472,
  },
} as const
