import { randomUUID } from 'node:crypto'
import { generateSeed, signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { type MemoryEventStore, memoryEventStore } from '../../adapters/memory/event-store.ts'
import { foundNetwork } from '../../commands/network.ts'
import type { CommandOutcome, EventStore, Signer, SubmitCommand } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { createSubmit, type SubmitDeps } from '../../commands/submit.ts'
import type { Json } from '../../domain/canonical.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import type { Envelope, SignedCommand } from '../../domain/envelope.ts'
import type { Vitals } from '../../domain/heartbeat/events.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import type { Profile } from '../../domain/node/events.ts'
import { type Category, streamName } from '../../domain/stream.ts'

export const namespace = 'dux'

export const profile: Profile = {
  cores: 8,
  memoryBytes: 16_000_000_000,
  platform: 'linux',
  arch: 'x64',
  version: '1.0.0',
  region: 'eu-west',
  capabilities: ['container', 'cpu'],
}

export const vitals: Vitals = {
  uptimeSeconds: 60,
  loadPermille: 1250,
  cores: 8,
  memoryUsedBytes: 4_000_000_000,
  memoryTotalBytes: 16_000_000_000,
  cpuPermille: 300,
  tasksSucceeded: 0,
  tasksFailed: 0,
}

export interface TestNode {
  readonly id: string
  readonly signer: Signer
}

export function someNode(): TestNode {
  const signer = signerFrom(generateSeed())
  return { id: nodeIdOf(signer.publicKey), signer }
}

export interface World {
  readonly store: MemoryEventStore
  readonly network: NetworkState
  readonly authority: Signer
  readonly health: Signer
  /** Our clock; it stands still until it is moved. */
  readonly clock: { now: Date; forward(seconds: number): void }
  /** Another process on the same log. */
  instance(deps?: Partial<SubmitDeps>): SubmitCommand
  command(type: string, subject: string, data: Record<string, Json>, over?: Partial<SignedCommand>): SignedCommand
  register(node: TestNode): Envelope
  heartbeat(node: TestNode, over?: Partial<SignedCommand>): Envelope
  reputation(node: TestNode, delta: number, over?: Partial<SignedCommand>): Envelope
  /** What the log holds of one stream, decoded. */
  events(category: Category, id: string): Promise<Fact[]>
}

/** A founded network over an empty log in memory. */
export async function world(): Promise<World> {
  const clock = {
    now: new Date('2026-01-01T00:00:00.000Z'),
    forward(seconds: number) {
      clock.now = new Date(clock.now.getTime() + seconds * 1000)
    },
  }
  const store = memoryEventStore({ namespace })
  const [authority, health, log] = [signerFrom(generateSeed()), signerFrom(generateSeed()), signerFrom(generateSeed())]
  const network = await foundNetwork({
    store,
    namespace,
    kind: 'test',
    authority,
    serviceKeys: { health: health.publicKey },
    logKey: log.publicKey,
    clock: () => clock.now,
  })
  const command: World['command'] = (type, subject, data, over = {}) => ({
    type,
    subject,
    data,
    commandId: randomUUID(),
    issuedAt: clock.now.toISOString(),
    audience: network.networkId,
    ...over,
  })
  return {
    store,
    network,
    authority,
    health,
    clock,
    command,
    instance: (deps = {}) =>
      createSubmit({ store, namespace, networkId: network.networkId, verify: verifySignature, clock: () => clock.now, ...deps }),
    register: ({ id, signer }) => signCommand(signer, command('RegisterNode', id, { profile })),
    heartbeat: ({ id, signer }, over) => signCommand(signer, command('RecordHeartbeat', id, { vitals }, over)),
    reputation: ({ id }, delta, over) =>
      signCommand(authority, command('ChangeReputation', id, { rule: 'custom', delta, reason: 'test' }, over)),
    async events(category, id) {
      const found: Fact[] = []
      for await (const event of store.readStream(streamName(namespace, category, id))) found.push(decode(event))
      return found
    },
  }
}

/** The store with a count of what was asked of it; `events` is how many it gave. */
export function counted(store: EventStore): EventStore & { readonly count: { reads: number; events: number; appends: number } } {
  const count = { reads: 0, events: 0, appends: 0 }
  return {
    ...store,
    count,
    append(...call) {
      count.appends += 1
      return store.append(...call)
    },
    async *readStream(...call) {
      count.reads += 1
      for await (const event of store.readStream(...call)) {
        count.events += 1
        yield event
      }
    },
  }
}

/** What became of a command, in one word: its outcome or the name of why not. */
export async function fateOf(outcome: Promise<CommandOutcome>): Promise<string> {
  try {
    return (await outcome).outcome
  } catch (error) {
    return error instanceof Error ? ((error as { code?: string }).code ?? error.name) : String(error)
  }
}
