import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { type NetworkAnswer, networkClient, type Refusal, Unavailable } from './client.ts'
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
  const client = networkClient(url, signal)
  const measure = vitalsMeter()
  /** Server's clock less ours, in milliseconds. */
  let clockAhead = 0
  let network: NetworkAnswer | undefined
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
    network ??= await meet()
    if (!registered) {
      const refusal = await register(network)
      if (refusal) return setRight(refusal)
      log.info({ nodeId, network: network.networkId, url }, 'this machine is registered')
      registered = true
    }
    const refusal = await send(network, 'RecordHeartbeat', { vitals: measure() })
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

  async function meet(): Promise<NetworkAnswer> {
    const before = Date.now()
    const answer = await client.network()
    setClock(new Date(answer.serverTime), (before + Date.now()) / 2)
    return answer
  }

  async function register(to: NetworkAnswer): Promise<Refusal | undefined> {
    const profile = machineProfile(region)
    const refusal = await send(to, 'RegisterNode', { profile })
    // Known, but as another machine than it is now.
    return refusal?.code === 'NodeAlreadyRegistered' ? send(to, 'UpdateNode', { profile }) : refusal
  }

  function send(to: NetworkAnswer, type: string, data: Parameters<typeof signCommand>[1]['data']): Promise<Refusal | undefined> {
    const issuedAt = new Date(Date.now() + clockAhead).toISOString()
    const command = { type, subject: nodeId, data, commandId: randomUUID(), issuedAt, audience: to.networkId }
    return client.send(signCommand(signer, command))
  }

  /** Does what a refusal asks for; milliseconds until the next attempt. Throws `AgentRefused`. */
  function setRight({ status, code, message, retryAfterSeconds, serverTime }: Refusal): number {
    if (final.has(code)) throw new AgentRefused(`the network refuses node ${nodeId}: ${code}, ${message}`)
    if (serverTime) setClock(serverTime, Date.now())
    // Too early, or signed by a clock that has just been corrected: nothing is wrong.
    if (status === 429) return (retryAfterSeconds ?? 1) * 1000
    if (serverTime) return backOff()
    // Another log may have taken the place of the one we knew.
    log.warn({ code, status }, message)
    registered = false
    network = undefined
    return backOff()
  }

  function setClock(server: Date, ours: number): void {
    const ahead = server.getTime() - ours
    // Less than this is the way the answer took.
    const changed = Math.abs(ahead - clockAhead) > 1000
    if (changed) clockAhead = ahead
    if (changed) log.info({ milliseconds: Math.round(ahead) }, "follows the server's clock, which is ahead of ours by")
  }

  /** Doubles from failure to failure; a random part keeps a fleet from coming back in step. */
  function backOff(): number {
    const ms = Math.min(backOffMs.most, backOffMs.first * 2 ** failures)
    failures += 1
    return ms * (0.75 + Math.random() / 4)
  }
}
