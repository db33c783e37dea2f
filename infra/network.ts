import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ForeignNetwork, foundNetwork, loadNetwork, requireOwnNetwork } from '../commands/network.ts'
import { StoreUnavailable } from '../commands/ports.ts'
import { UnreadableEvent } from '../domain/catalogue.ts'
import { DomainError } from '../domain/errors.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { serviceKey } from '../domain/network/offices.ts'
import type { NetworkQueries } from '../projections/network.query.ts'
import { addMissing, type CharterOptions, quorumsOf } from './charter.ts'
import { Failure } from './cli/command.ts'
import { does } from './config.ts'
import { type KeyName, serviceRoles } from './keys.ts'

export interface EnterOptions extends CharterOptions {
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
      const complete = await addMissing(network, options)
      refuseForeign(complete, options)
      return complete
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
  const authority = keys.findOrMake('authority')
  return foundNetwork({
    store,
    namespace: config.namespace,
    kind: config.networkKind,
    authority,
    serviceKeys: Object.fromEntries(serviceRoles.map((role) => [role, keys.findOrMake(role).publicKey])),
    logKey: keys.findOrMake('log').publicKey,
    ...quorumsOf(config, config.networkKind, authority),
  })
}

/** Keys that are there must be the log's, and those that this process signs with must be there. */
function refuseForeign(network: NetworkState, { keys, config }: EnterOptions): void {
  const publicKeyOf = (name: KeyName) => keys.find(name)?.publicKey
  const [authority, logKey] = [publicKeyOf('authority'), publicKeyOf('log')]
  const services = serviceRoles.flatMap((role) => {
    const publicKey = publicKeyOf(role)
    return publicKey === undefined ? [] : [[role, publicKey] as const]
  })
  try {
    requireOwnNetwork(network, {
      ...(authority !== undefined && { authority }),
      serviceKeys: Object.fromEntries(services),
      ...(logKey !== undefined && { logKey }),
    })
  } catch (error) {
    if (error instanceof ForeignNetwork) throw new Failure(`${error.message} (keys in ${config.data})`, { cause: error })
    throw error
  }
  if (!does(config, 'processes')) return
  for (const role of ['health', 'settlement'] as const)
    if (serviceKey(network, role) !== undefined && publicKeyOf(role) === undefined)
      throw new Failure(
        `the key of network ${network.networkId}'s ${role} process is not in ${keys.path(role)}: bring the keys of the instance that founded it, or leave out the role processes`,
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
