// A log as a network makes it in some hours: mostly heartbeats, now and then a change of health or reputation.
import { randomUUID } from 'node:crypto'
import type { EventStore, NewEvent } from '../../commands/ports.ts'
import { eventsToAppend } from '../../commands/record.ts'
import type { Json } from '../../domain/canonical.ts'
import type { DomainEvent } from '../../domain/catalogue.ts'
import { commandText } from '../../domain/envelope.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import { type Category, streamName } from '../../domain/stream.ts'
import { type BenchNode, benchNode, profile, vitalsOf } from './commands.ts'
import { rate } from './harness.ts'

/** What each node leaves in the log. */
const perNode = { registrations: 1, heartbeats: 388, healthChanges: 4, reputationChanges: 7 }
export const eventsPerNode = perNode.registrations + perNode.heartbeats + perNode.healthChanges + perNode.reputationChanges

const heartbeatsPerAppend = 20
const appendsAtOnce = 64
const heartbeatMs = 60_000

export interface History {
  /** Genesis included. */
  readonly events: number
  readonly nodes: number
  readonly heartbeats: number
  readonly healthChanges: number
  readonly reputationChanges: number
}

/**
 * Writes what `nodes` nodes did, through the port and in large appends. All is as the server would have recorded it (ids, signed text, facts)
 * but the signatures, which only an auditor checks and which would take longer than the measurement.
 */
export async function writeHistory(store: EventStore, network: NetworkState, namespace: string, nodes: number): Promise<History> {
  const startedAt = Date.now() - (perNode.heartbeats + 1) * heartbeatMs
  const members = Array.from({ length: nodes }, () => writerOf(store, network, namespace, benchNode(), startedAt))
  const windows = Math.ceil(perNode.heartbeats / heartbeatsPerAppend)
  for (let window = 0; window <= windows; window++)
    await rate(appendsAtOnce, Math.ceil(nodes / appendsAtOnce), async (caller, n) => members[n * appendsAtOnce + caller]?.(window))
  return {
    events: 1 + nodes * eventsPerNode,
    nodes,
    heartbeats: nodes * perNode.heartbeats,
    healthChanges: nodes * perNode.healthChanges,
    reputationChanges: nodes * perNode.reputationChanges,
  }
}

/** Writes the windows of one node, each at its turn. */
function writerOf(store: EventStore, network: NetworkState, namespace: string, node: BenchNode, startedAt: number) {
  const nodeId = node.id
  const revisions = new Map<Category, number>()
  let beats = 0
  let healthChanges = 0
  let reputation = network.policy.reputation.start

  async function append(category: Category, events: readonly NewEvent[]): Promise<void> {
    const revision = revisions.get(category) ?? -1
    await store.append(streamName(namespace, category, nodeId), revision < 0 ? 'no_stream' : revision, events)
    revisions.set(category, revision + events.length)
  }

  const event = (category: Category, event: DomainEvent, type: string, data: Record<string, Json>): NewEvent =>
    recordedEvent(network, namespace, node, category, event, type, data, new Date(startedAt + beats * heartbeatMs))

  function heartbeat(): NewEvent {
    beats++
    const vitals = vitalsOf(beats)
    const issuedAt = new Date(startedAt + beats * heartbeatMs - 35).toISOString()
    return event('heartbeat', { type: 'HeartbeatRecorded', data: { nodeId, issuedAt, vitals } }, 'RecordHeartbeat', { vitals })
  }

  function healthChange(): NewEvent {
    const [from, to] = healthChanges++ % 2 ? (['healthy', 'unhealthy'] as const) : (['registered', 'healthy'] as const)
    const reasons = to === 'healthy' ? [] : (['load'] as const)
    const at = new Date(startedAt + beats * heartbeatMs).toISOString()
    const data = { to, reasons: [...reasons], at, heartbeatRevision: beats - 1 }
    return event('health', { type: 'NodeHealthChanged', data: { nodeId, from, ...data } }, 'ChangeHealth', data)
  }

  function reputationChange(): NewEvent {
    const { rules, max } = network.policy.reputation
    const delta = rules.task_success!
    const old = reputation
    reputation = Math.min(max, old + delta)
    const data = {
      nodeId,
      rule: 'task_success',
      old,
      new: reputation,
      delta,
      applied: reputation - old,
      clamped: old + delta > max,
    }
    return event('reputation', { type: 'ReputationChanged', data }, 'ChangeReputation', { rule: 'task_success' })
  }

  return async (window: number): Promise<void> => {
    if (window === 0) {
      const data = { nodeId, publicKey: node.signer.publicKey, profile }
      const command = { profile: { ...profile, capabilities: [...profile.capabilities] } }
      return append('node', [event('node', { type: 'NodeRegistered', data }, 'RegisterNode', command)])
    }
    const count = Math.min(heartbeatsPerAppend, perNode.heartbeats - beats)
    await append('heartbeat', Array.from({ length: count }, heartbeat))
    if (window <= perNode.healthChanges) await append('health', [healthChange()])
    if (window <= perNode.reputationChanges) await append('reputation', [reputationChange()])
  }
}

/** `event` with the metadata of the command that it was decided for. */
export function recordedEvent(
  { networkId, policy }: NetworkState,
  namespace: string,
  { id, signer }: BenchNode,
  category: Category,
  event: DomainEvent,
  type: string,
  data: Record<string, Json>,
  at: Date,
): NewEvent {
  const commandId = randomUUID()
  const now = at.toISOString()
  const seen = (other: Category, revision: number) => ({ stream: streamName(namespace, other, id), revision })
  const [recorded] = eventsToAppend([event], {
    networkId,
    stream: streamName(namespace, category, id),
    commandId,
    publicKey: signer.publicKey,
    signature: 'A'.repeat(86),
    text: commandText({ type, subject: id, data, commandId, issuedAt: now, audience: networkId }),
    actor: `node:${id}`,
    rules: 1,
    policyVersion: policy.version,
    now,
    seen: { network: { stream: streamName(namespace, 'network', networkId), revision: 0 }, node: seen('node', 0) },
  })
  return recorded!
}
