import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import { verifySignature } from '../adapters/crypto/ed25519.ts'
import type { CommandType } from '../commands/catalogue.ts'
import { loadNetwork } from '../commands/network.ts'
import type { EventStore, Signer } from '../commands/ports.ts'
import { signCommand } from '../commands/sign.ts'
import { createSubmit } from '../commands/submit.ts'
import type { Json } from '../domain/canonical.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import type { Quorum } from '../domain/network/events.ts'
import { serviceKey } from '../domain/network/offices.ts'
import type { Config } from './config.ts'
import { type KeyRing, serviceRoles } from './keys.ts'

type Role = 'stewards' | 'arbiters'

export interface CharterOptions {
  readonly store: EventStore
  readonly keys: KeyRing
  readonly config: Config
  readonly log: Logger
}

/** Who shall decide what takes several, as far as anybody has said so. On a test network that is the authority. */
export function quorumsOf({ stewards, arbiters }: Config, kind: 'test' | 'main', authority: Signer): Partial<Record<Role, Quorum>> {
  const standard = kind === 'test' ? { members: [authority.publicKey], threshold: 1 } : undefined
  const [first, second] = [stewards ?? standard, arbiters ?? standard]
  return { ...(first && { stewards: first }), ...(second && { arbiters: second }) }
}

/**
 * The network, with what it lacks because it is older than a service or a role, if this instance holds the authority's key. Throws
 * what submitting throws.
 */
export async function addMissing(network: NetworkState, { store, keys, config, log }: CharterOptions): Promise<NetworkState> {
  const { namespace } = config
  const { networkId } = network
  const authority = keys.find('authority')
  if (authority?.publicKey !== network.authority) return network
  const changes: [type: CommandType, data: Record<string, Json>][] = [
    ...serviceRoles
      .filter((role) => serviceKey(network, role) === undefined)
      .map((role): [CommandType, Record<string, Json>] => [
        'ChangeServiceKey',
        { role, publicKey: keys.findOrMake(role).publicKey },
      ]),
    ...Object.entries(quorumsOf(config, network.kind, authority))
      .filter(([role]) => !network[role as Role].members.length)
      .map(([role, quorum]): [CommandType, Record<string, Json>] => ['ChangeQuorum', { role, quorum }]),
  ]
  if (!changes.length) return network
  const submit = createSubmit({ store, namespace, networkId, clock: () => new Date(), verify: verifySignature })
  for (const [type, data] of changes) {
    log.info(data, `the network has none yet: ${type}`)
    const issuedAt = new Date().toISOString()
    const command = { type, subject: networkId, data, commandId: randomUUID(), issuedAt, audience: networkId }
    await submit(signCommand(authority, command))
  }
  return (await loadNetwork(store, namespace)) ?? network
}
