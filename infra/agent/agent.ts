import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { createClient, type Network, Refused, Unavailable } from '../../api/client.ts'
import type { CommandData } from '../../commands/catalogue.ts'
import type { Signer } from '../../commands/ports.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { machineProfile, vitalsMeter } from './machine.ts'

export interface AgentOptions {
  /** Base address of a DuxNet's API. */
  readonly url: string
  readonly signer: Signer
  /** Default: the id that belongs to the key; another one when the node's key was changed. */
  readonly nodeId?: string
  readonly region: string
  readonly log: Logger
  readonly signal: AbortSignal
}

/** The network will have nothing to do with this node; trying again cannot help. */
export class AgentRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AgentRefused'
  }
}

const backOffMs = { first: 1000, most: 30_000 }

/** Refusals that no further attempt can change. */
const final = new Set(['NodeDeregistered', 'NodeIdMismatch', 'SignerNotAllowed', 'SignatureInvalid', 'CommandMalformed'])

/**
 * Registers this machine and sends its heartbeats until `signal` aborts. A server that is away is tried again, ever more slowly; one
 * that asks for patience gets it; and its clock is taken over when ours is off. Throws `AgentRefused`.
 */
export async function runAgent({
  url,
  signer,
  nodeId = nodeIdOf(signer.publicKey),
  region,
  log,
  signal,
}: AgentOptions): Promise<void> {
  const onClock = (milliseconds: number) => log.info({ milliseconds }, "follows the server's clock, which is ahead of ours by")
  const client = createClient({ url, signer, signal, onClock })
  const measure = vitalsMeter()
  let network: Network | undefined
  let registered = false
  let failures = 0

  while (!signal.aborted) {
    const waitMs = await step().catch((error) => {
      if (!(error instanceof Unavailable) && !signal.aborted) throw error
      return waitAfter(error)
    })
    await sleep(waitMs, undefined, { signal }).catch(() => {})
  }

  /** Goes as far as it can; milliseconds until the next one. */
  async function step(): Promise<number> {
    network ??= await client.network()
    if (!registered) {
      const refusal = await register()
      if (refusal) return setRight(refusal)
      log.info({ nodeId, network: network.networkId, url }, 'this machine is registered')
      registered = true
    }
    const refusal = await send('RecordHeartbeat', { vitals: measure() })
    if (refusal) return setRight(refusal)
    failures = 0
    return network.policy.heartbeat.intervalSeconds * 1000
  }

  function waitAfter(error: Unavailable): number {
    if (signal.aborted) return 0
    const waitMs = Math.max(backOff(), (error.retryAfterSeconds ?? 0) * 1000)
    log.warn({ retryInMs: Math.round(waitMs) }, error.message)
    return waitMs
  }

  async function register(): Promise<Refused | undefined> {
    const profile = machineProfile(region)
    const refusal = await send('RegisterNode', { profile })
    // Known, but as another machine than it is now.
    return refusal?.code === 'NodeAlreadyRegistered' ? send('UpdateNode', { profile }) : refusal
  }

  /** Why it was refused; undefined when it was accepted, or was already so. A heartbeat that finds nobody is not sent again: the next one is newer. */
  async function send<Type extends 'RegisterNode' | 'UpdateNode' | 'RecordHeartbeat'>(
    type: Type,
    data: CommandData<Type>,
  ): Promise<Refused | undefined> {
    try {
      await client.send(type, data, { subject: nodeId, retryMs: 0 })
      return undefined
    } catch (error) {
      if (error instanceof Refused) return error
      throw error
    }
  }

  /** Does what a refusal asks for; milliseconds until the next attempt. Throws `AgentRefused`. */
  function setRight({ status, code, message, retryAfterSeconds, serverTime }: Refused): number {
    if (final.has(code)) throw new AgentRefused(`the network refuses node ${nodeId}: ${code}, ${message}`)
    // Too early, or signed by a clock that has just been corrected: nothing is wrong.
    if (status === 429) return (retryAfterSeconds ?? 1) * 1000
    if (serverTime) return backOff()
    // Another log may have taken the place of the one we knew.
    log.warn({ code, status }, message)
    registered = false
    network = undefined
    return backOff()
  }

  /** Doubles from failure to failure; a random part keeps a fleet from coming back in step. */
  function backOff(): number {
    const ms = Math.min(backOffMs.most, backOffMs.first * 2 ** failures)
    failures += 1
    return ms * (0.75 + Math.random() / 4)
  }
}
