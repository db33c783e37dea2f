import { eventsToAppend } from '../commands/record.ts'
import { proveKey } from '../commands/sign.ts'
import { commandText, type Envelope } from '../domain/envelope.ts'
import { canonicalEvent } from '../domain/event.ts'
import { nodeIdOf } from '../domain/ids.ts'
import { leafHash } from '../domain/merkle.ts'
import { initialPolicy } from '../domain/network/policy.ts'
import { airdropCommands } from './airdrop-examples.ts'
import { cloudEventText } from './cloud-event.ts'
import { type ExampleCommand, idOf, issuedAt, networkId, position, recordedAt, signExample, signerOf } from './example-signers.ts'
import { moneyCommands } from './money-examples.ts'

const node = signerOf('node')
const authority = signerOf('authority')
const nodeId = nodeIdOf(node.publicKey)

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

const networkCommands = {
  ChangeServiceKey: {
    signer: authority,
    subject: networkId,
    data: { role: 'settlement', publicKey: signerOf('settlement').publicKey },
  },
  ChangeQuorum: {
    signer: authority,
    subject: networkId,
    data: { role: 'arbiters', quorum: { members: ['one', 'two', 'three'].map((name) => signerOf(name).publicKey), threshold: 2 } },
  },
} satisfies Record<string, ExampleCommand>

const nodeCommands = {
  RegisterNode: { signer: node, subject: nodeId, data: { profile } },
  UpdateNode: { signer: node, subject: nodeId, data: { profile: { ...profile, version: '0.2.0' } } },
  ChangeNodeKey: {
    signer: node,
    subject: nodeId,
    data: proveKey(signerOf('next key'), { networkId, nodeId, commandId: idOf('ChangeNodeKey') }),
  },
  DeregisterNode: { signer: node, subject: nodeId, data: {} },
  RecordHeartbeat: { signer: node, subject: nodeId, data: { vitals } },
  ChangeReputation: { signer: authority, subject: nodeId, data: { rule: 'task_success' } },
} satisfies Record<string, ExampleCommand>

const commands = { ...networkCommands, ...nodeCommands, ...moneyCommands, ...airdropCommands }

/** The commands that there are examples of: those that have an address of their own. */
export type ExampleType = keyof typeof commands

/** What `POST /v1/commands` takes, truly signed. */
export function exampleEnvelope(type: ExampleType): Envelope {
  return signExample(type, commands[type])
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

const canonical = canonicalEvent(event)
const leaf = leafHash(canonical)

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
  event: { index: 97, position, leaf: leaf.toString('hex'), event },
  cloudEvent: cloudEventText(
    { index: 97, position: BigInt(position), stream, revision, type, recordedAt, canonical, leaf },
    { networkId, publicUrl: 'http://127.0.0.1:8080' },
  ),
  network: {
    networkId,
    kind: 'test',
    foundedAt: '2026-11-23T09:30:00.000Z',
    authority: authority.publicKey,
    serviceKeys: {
      health: signerOf('health').publicKey,
      settlement: signerOf('settlement').publicKey,
      chain: signerOf('chain').publicKey,
    },
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
