import { createHash } from 'node:crypto'
import { type MemoryEventStore, memoryEventStore } from '../../adapters/memory/event-store.ts'
import type { NewEvent } from '../../commands/ports.ts'
import { reconciliationId } from '../../domain/audit/decider.ts'
import type { DomainEvent } from '../../domain/catalogue.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { nodeIdOf, uuidV5 } from '../../domain/ids.ts'
import { initialPolicy, type Policy } from '../../domain/network/policy.ts'
import type { Profile } from '../../domain/node/events.ts'
import { type Category, streamName } from '../../domain/stream.ts'

/** Whole numbers below `bound`, the same for the same seed. */
export type Random = (bound: number) => number

export function randomOf(seed: number): Random {
  let state = seed >>> 0
  return (bound) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return (Math.imul(state ^ (state >>> 13), 0x297a2d39) >>> 0) % bound
  }
}

export const networkId = uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'a network of the tests')
export const authority = keyOf('authority')
const start = Date.parse('2026-03-01T00:00:00.000Z')

export function keyOf(name: string): string {
  return createHash('sha256').update(name).digest('base64url')
}

export function nodeId(n: number): string {
  return nodeIdOf(keyOf(`node ${n}`))
}

export const profile: Profile = {
  cores: 8,
  memoryBytes: 34_359_738_368,
  platform: 'linux',
  arch: 'x64',
  version: '1.2.3',
  region: 'eu-north',
  capabilities: ['container', 'cpu'],
}

export const vitals = {
  uptimeSeconds: 86_400,
  loadPermille: 1250,
  cores: 8,
  memoryUsedBytes: 17_179_869_184,
  memoryTotalBytes: 34_359_738_368,
  cpuPermille: 310,
  tasksSucceeded: 12,
  tasksFailed: 1,
}

export function instant(seconds: number): string {
  return new Date(start + seconds * 1000).toISOString()
}

/** A log in memory, written to without any decider: projections must take whatever is in a log. */
export interface TestLog {
  readonly store: MemoryEventStore
  /** Appends an event, `seconds` after the start, and resolves with its position. */
  add(event: DomainEvent, seconds: number): Promise<bigint>
  /** Appends anything to any stream. */
  addRaw(stream: string, event: Omit<NewEvent, 'id'>): Promise<bigint>
}

export function testLog(store: MemoryEventStore = memoryEventStore()): TestLog {
  const revisions = new Map<string, number>()
  let commands = 0

  async function addRaw(stream: string, event: Omit<NewEvent, 'id'>): Promise<bigint> {
    const last = revisions.get(stream)
    const id = uuidV5(networkId, `${stream}\n${authority}\ncommand ${commands++}\n0`)
    const { revision, position } = await store.append(stream, last ?? 'no_stream', [{ id, ...event }])
    revisions.set(stream, revision)
    return position
  }

  return {
    store,
    addRaw,
    add(event, seconds) {
      const commandId = uuidV5(networkId, `command ${commands}`)
      return addRaw(streamOf(event), {
        type: event.type,
        data: event.data as NewEvent['data'],
        metadata: metadata(commandId, seconds),
      })
    },
  }
}

export function metadata(commandId: string, seconds: number) {
  return {
    commandId,
    correlationId: commandId,
    causationId: commandId,
    actor: 'authority',
    publicKey: authority,
    signature: Buffer.alloc(64, commandId).toString('base64url'),
    rules: 1,
    policyVersion: 1,
    recordedAt: instant(seconds),
    schemaVersion: 1,
    command: JSON.stringify({
      audience: networkId,
      commandId,
      data: { 'a quoted "text"': 'and \\ a tab \\t' },
      issuedAt: instant(seconds),
    }),
  }
}

function streamOf({ type, data }: DomainEvent): string {
  if ('nodeId' in data) return streamName('dux', nodeCategory(type), data.nodeId)
  if ('walletId' in data) return streamName('dux', 'wallet', data.walletId)
  if ('escrowId' in data) return streamName('dux', 'escrow', data.escrowId)
  if ('networkId' in data) return streamName('dux', 'network', data.networkId)
  return 'differenceId' in data ? streamName('dux', 'audit', reconciliationId) : streamName('dux', 'fund', fundId)
}

function nodeCategory(type: DomainEvent['type']): Category {
  switch (type) {
    case 'HeartbeatRecorded':
      return 'heartbeat'
    case 'NodeHealthChanged':
      return 'health'
    case 'ReputationChanged':
      return 'reputation'
    default:
      return 'node'
  }
}

export function founded(policy: Policy = initialPolicy): DomainEvent {
  return {
    type: 'NetworkFounded',
    data: {
      networkId,
      kind: 'test',
      foundedAt: instant(0),
      authority,
      serviceKeys: { health: keyOf('health') },
      logKey: keyOf('log'),
      stewards: { members: [keyOf('steward')], threshold: 1 },
      arbiters: { members: [], threshold: 0 },
      governors: { members: [], threshold: 0 },
      policy,
    },
  }
}

/** A founded network and `count` events more of any kind about `nodes` nodes, in an order that no decider would have to allow. */
export async function randomHistory(log: TestLog, random: Random, count: number, nodes = 7): Promise<void> {
  await log.add(founded(), 0)
  await extendHistory(log, random, count, nodes, 0)
}

/** Goes on with events that are about an hour apart, so that retention has something to do. */
export async function extendHistory(log: TestLog, random: Random, count: number, nodes: number, from: number): Promise<void> {
  for (let n = 0; n < count; n++) await log.add(randomEvent(random, nodes, from + n), (from + n) * 3600 + random(7200))
}

const regions = ['eu-north', 'eu-south', 'us-east', 'ap-south']
const statuses = ['healthy', 'unhealthy', 'offline'] as const

function randomEvent(random: Random, nodes: number, n: number): DomainEvent {
  const node = { nodeId: nodeId(random(nodes)) }
  const own = { ...profile, cores: 1 + random(64), region: regions[random(regions.length)]! }
  switch (random(14)) {
    case 0:
    case 1:
      return { type: 'NodeRegistered', data: { ...node, publicKey: keyOf(node.nodeId), profile: own } }
    case 2:
      return {
        type: 'NodeUpdated',
        data: { ...node, profile: { ...own, capabilities: ['cpu', 'gpu-cuda', 'ünïcode'].slice(random(2), 2) } },
      }
    case 3:
      return { type: 'NodeKeyChanged', data: { ...node, previousKey: keyOf(node.nodeId), publicKey: keyOf(`${n}`), by: 'node' } }
    case 4:
      return { type: 'NodeDeregistered', data: node }
    case 5:
    case 6: {
      const to = statuses[random(3)]!
      const reasons = to === 'healthy' ? [] : to === 'offline' ? (['missed_heartbeats'] as const) : (['memory', 'load'] as const)
      return { type: 'NodeHealthChanged', data: { ...node, from: 'registered', to, reasons: [...reasons], at: instant(n) } }
    }
    case 7:
    case 8: {
      const old = random(100)
      const reason = random(2) ? { reason: 'a "custom"\treason, \\ 🙂' } : {}
      return {
        type: 'ReputationChanged',
        data: { ...node, rule: 'custom', ...reason, old, new: old + 1, delta: 1, applied: 1, clamped: false },
      }
    }
    default: {
      const memoryUsedBytes = random(4) ? vitals.memoryUsedBytes : vitals.memoryTotalBytes
      return { type: 'HeartbeatRecorded', data: { ...node, issuedAt: instant(n), vitals: { ...vitals, memoryUsedBytes } } }
    }
  }
}
