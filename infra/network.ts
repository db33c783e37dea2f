import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ForeignNetwork, foundNetwork, loadNetwork, requireOwnNetwork } from '../commands/network.ts'
import { type EventStore, StoreUnavailable } from '../commands/ports.ts'
import { UnreadableEvent } from '../domain/catalogue.ts'
import { DomainError } from '../domain/errors.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { NetworkQueries } from '../projections/network.query.ts'
import { Failure } from './cli/command.ts'
import { type Config, does } from './config.ts'
import type { KeyRing } from './keys.ts'

export interface EnterOptions {
  readonly store: EventStore
  readonly keys: KeyRing
  readonly config: Config
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * The network of this log. An empty log gets a new one, with keys that are made and kept in the data directory first: a start that dies in
 * between founds it with the same keys. Waits for an event store that is away. Throws `Failure` when the keys are not the log's.
 */
export async function enterNetwork(options: EnterOptions): Promise<NetworkState> {
  for (;;) {
    try {
      const network = (await loadNetwork(options.store, options.config.namespace)) ?? (await found(options))
      refuseForeign(network, options)
      return network
    } catch (error) {
      // Another instance founded it just now: then it is that one's.
      if (error instanceof DomainError && error.code === 'NetworkAlreadyFounded') continue
      if (error instanceof UnreadableEvent) throw new Failure(`this log is no DuxNet's: ${error.message}`, { cause: error })
      if (!(error instanceof StoreUnavailable)) throw error
      options.log.warn({ reason: error.message }, 'waiting for the event store')
      await sleep(1000, undefined, { signal: options.signal })
    }
  }
}

function found({ store, keys, config, log }: EnterOptions): Promise<NetworkState> {
  log.info({ kind: config.networkKind }, 'founding a network')
  return foundNetwork({
    store,
    namespace: config.namespace,
    kind: config.networkKind,
    authority: keys.findOrMake('authority'),
    serviceKeys: { health: keys.findOrMake('health').publicKey },
    logKey: keys.findOrMake('log').publicKey,
  })
}

/** Keys that are there must be the log's, and those that this process signs with must be there. */
function refuseForeign(network: NetworkState, { keys, config }: EnterOptions): void {
  const [authority, health, logKey] = (['authority', 'health', 'log'] as const).map((name) => keys.find(name)?.publicKey)
  try {
    requireOwnNetwork(network, {
      ...(authority !== undefined && { authority }),
      ...(health !== undefined && { serviceKeys: { health } }),
      ...(logKey !== undefined && { logKey }),
    })
  } catch (error) {
    if (error instanceof ForeignNetwork) throw new Failure(`${error.message} (keys in ${config.data})`, { cause: error })
    throw error
  }
  if (health === undefined && does(config, 'processes'))
    throw new Failure(
      `the key of network ${network.networkId}'s health process is not in ${keys.path('health')}: bring the keys of the instance that founded it, or leave out the role processes`,
    )
}

/** The network as an instance without an event store finds it in the read models; waits until it is there. */
export async function networkOfReadModel(reads: NetworkQueries, log: Logger, signal: AbortSignal): Promise<NetworkState> {
  for (;;) {
    const reason = await reads.network().then(
      ({ value }) => value ?? 'no network was founded yet',
      (error: Error) => error.message,
    )
    if (typeof reason !== 'string') return reason
    log.warn({ reason }, 'waiting for the read models')
    await sleep(1000, undefined, { signal })
  }
}
