import { randomUUID } from 'node:crypto'
import { decode, UnreadableEvent } from '../domain/catalogue.ts'
import { commandText, type Envelope, type SignedCommand } from '../domain/envelope.ts'
import { DomainError } from '../domain/errors.ts'
import { foundNetworkData, type NetworkState, networkDecider } from '../domain/network/decider.ts'
import type { NetworkEvent } from '../domain/network/events.ts'
import { initialPolicy, type Policy } from '../domain/network/policy.ts'
import { streamName } from '../domain/stream.ts'
import { parse } from './parse.ts'
import type { Clock, EventStore, Signer } from './ports.ts'
import { eventsToAppend } from './record.ts'
import { signCommand } from './sign.ts'

type Quorum = NetworkState['stewards']

export interface Genesis {
  readonly store: EventStore
  readonly namespace: string
  readonly kind: 'test' | 'main'
  readonly authority: Signer
  /** Public keys of processes by role: `health`. */
  readonly serviceKeys: Readonly<Record<string, string>>
  readonly logKey: string
  readonly stewards?: Quorum
  readonly arbiters?: Quorum
  readonly governors?: Quorum
  readonly policy?: Policy
  /** A UUID; a new one unless given. */
  readonly networkId?: string
  readonly clock?: Clock
}

/**
 * Writes the first event of an empty log, signed by the authority. Throws `NetworkAlreadyFounded` when the log is not empty or
 * somebody else was first, `CommandMalformed`, and what the store throws.
 */
export async function foundNetwork({
  store,
  namespace,
  authority,
  networkId = randomUUID(),
  ...genesis
}: Genesis): Promise<NetworkState> {
  await refuseSecond(store)
  const now = (genesis.clock?.() ?? new Date()).toISOString()
  const nobody: Quorum = { members: [], threshold: 0 }
  const data = {
    kind: genesis.kind,
    authority: authority.publicKey,
    serviceKeys: genesis.serviceKeys,
    logKey: genesis.logKey,
    stewards: genesis.stewards ?? nobody,
    arbiters: genesis.arbiters ?? nobody,
    governors: genesis.governors ?? nobody,
    policy: genesis.policy ?? initialPolicy,
  }
  const command: SignedCommand = {
    type: 'FoundNetwork',
    subject: networkId,
    data,
    commandId: randomUUID(),
    issuedAt: now,
    audience: networkId,
  }
  const { events, network } = decideGenesis(signCommand(authority, command), namespace, now)
  await store.append(streamName(namespace, 'network', networkId), 'no_stream', events)
  // Two instances may find the same log empty; the streams' names differ, so it is the log's order that says who was first.
  await refuseSecond(store, networkId)
  return network
}

/** What genesis decides: the events that begin a log, and the network they make. `now` is the server's. Throws `DomainError`. */
export function decideGenesis({ command, publicKey, signature }: Envelope, namespace: string, now: string) {
  const { type, subject: networkId, commandId, audience } = command
  if (type !== 'FoundNetwork') throw new DomainError('CommandUnknownType', { field: 'command.type', type })
  if (audience !== networkId)
    throw new DomainError('AudienceMismatch', { field: 'command.audience', audience, expected: networkId })
  const data = parse(foundNetworkData, command.data, 'command.data')
  const decided = networkDecider.decide({ type: 'FoundNetwork', networkId, signer: publicKey, now, ...data }, undefined)
  const events = eventsToAppend(decided, {
    networkId,
    stream: streamName(namespace, 'network', networkId),
    commandId,
    publicKey,
    signature,
    text: commandText(command),
    actor: 'authority',
    rules: networkDecider.rules,
    policyVersion: data.policy.version,
    now,
    seen: {},
  })
  const network = decided.reduce<NetworkState | undefined>((state, event) => networkDecider.evolve(state, event, now), undefined)
  return { events, network: network! }
}

async function refuseSecond(store: EventStore, own?: string): Promise<void> {
  const genesis = await firstEvent(store)
  if (genesis && genesis.data.networkId !== own)
    throw new DomainError('NetworkAlreadyFounded', { networkId: genesis.data.networkId })
}

async function firstEvent(store: EventStore) {
  for await (const recorded of store.readAll()) {
    const fact = decode(recorded)
    if (fact.type !== 'NetworkFounded') throw new UnreadableEvent(recorded, 'the log does not begin with NetworkFounded')
    return fact
  }
  return undefined
}

/**
 * The network whose log this is, as it stands now; undefined when the log is empty. Throws `UnreadableEvent` when the log begins with
 * anything but its genesis, and what the store throws.
 */
export async function loadNetwork(store: EventStore, namespace: string): Promise<NetworkState | undefined> {
  const genesis = await firstEvent(store)
  if (!genesis) return undefined
  let network = networkDecider.initialState
  for await (const recorded of store.readStream(streamName(namespace, 'network', genesis.data.networkId))) {
    const fact = decode(recorded)
    network = networkDecider.evolve(network, fact as NetworkEvent, fact.metadata.recordedAt)
  }
  return network
}

/** The public keys of an instance, as far as it holds them: a query server holds none. */
export interface InstanceKeys {
  readonly authority?: string
  readonly serviceKeys?: Readonly<Record<string, string>>
  readonly logKey?: string
}

/** The keys of an instance are not those of the log it was pointed at; it must not start. */
export class ForeignNetwork extends Error {
  constructor(networkId: string, differences: readonly string[]) {
    super(`these are not the keys of network ${networkId}: ${differences.join('; ')}`)
    this.name = 'ForeignNetwork'
  }
}

/** Throws `ForeignNetwork`, which names each key that differs, unless all of `keys` are the network's. */
export function requireOwnNetwork(network: NetworkState, keys: InstanceKeys): void {
  const pairs: [name: string, here: string | undefined, there: string | undefined][] = [
    ['authority', keys.authority, network.authority],
    ['logKey', keys.logKey, network.logKey],
    ...Object.entries(keys.serviceKeys ?? {}).map(([role, key]): [string, string, string | undefined] => [
      `serviceKeys.${role}`,
      key,
      Object.hasOwn(network.serviceKeys, role) ? network.serviceKeys[role] : undefined,
    ]),
  ]
  const differences = pairs
    .filter(([, here, there]) => here !== undefined && here !== there)
    .map(([name, here, there]) => `${name} is ${there ?? 'nobody'} in the log and ${here} here`)
  if (differences.length) throw new ForeignNetwork(network.networkId, differences)
}
