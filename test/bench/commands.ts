import { generateKeyPairSync, randomUUID, sign } from 'node:crypto'
import { foundNetwork } from '../../commands/network.ts'
import type { EventStore, Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import type { Envelope } from '../../domain/envelope.ts'
import type { Vitals } from '../../domain/heartbeat/events.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import type { Profile } from '../../domain/node/events.ts'

/** A node of a benchmark. It signs with node:crypto: Ed25519 is deterministic, and tweetnacl would take longer than the measurement. */
export interface BenchNode {
  readonly id: string
  readonly signer: Signer
}

export function benchNode(): BenchNode {
  const signer = fastSigner()
  return { id: nodeIdOf(signer.publicKey), signer }
}

function fastSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  return {
    publicKey: publicKey.export({ format: 'jwk' }).x!,
    sign: (message) => sign(null, message, privateKey).toString('base64url'),
  }
}

export interface NetworkSigners {
  readonly authority: Signer
  readonly health: Signer
  readonly log: Signer
}

/**
 * A test network in which heartbeats may come as fast as they like and no node is missed for hours: the server is measured, and not
 * the policy.
 */
export async function benchNetwork(store: EventStore, signers?: NetworkSigners) {
  const { authority, health, log } = signers ?? { authority: fastSigner(), health: fastSigner(), log: fastSigner() }
  const policy = { ...initialPolicy, heartbeat: { intervalSeconds: 60, burst: 1_000_000, missedIntervals: 1000 } }
  const keys = { authority, serviceKeys: { health: health.publicKey }, logKey: log.publicKey }
  return { network: await foundNetwork({ store, namespace, kind: 'test', policy, ...keys }), namespace }
}

const namespace = 'dux'

export const profile: Profile = {
  cores: 8,
  memoryBytes: 16 * 2 ** 30,
  platform: 'linux',
  arch: 'x64',
  version: '0.1.0',
  region: 'bench',
  capabilities: ['cpu'],
}

export function registration(node: BenchNode, networkId: string): Envelope {
  return envelope(node, networkId, 'RegisterNode', { profile: profile as unknown as Json }, new Date())
}

export function update(node: BenchNode, networkId: string, cores: number): Envelope {
  return envelope(node, networkId, 'UpdateNode', { profile: { ...profile, cores } as unknown as Json }, new Date())
}

/** The nth heartbeat of a node: their `issuedAt` are a millisecond apart and end at about now. */
export function heartbeat(node: BenchNode, networkId: string, n: number, startedAt: number): Envelope {
  return envelope(node, networkId, 'RecordHeartbeat', { vitals: vitalsOf(n) }, new Date(startedAt + n))
}

export function vitalsOf(n: number): Vitals {
  return {
    uptimeSeconds: 60 * n,
    loadPermille: 1200 + (n % 100),
    cores: 8,
    memoryUsedBytes: 9_000_000_000 + n,
    memoryTotalBytes: 16 * 2 ** 30,
    cpuPermille: n % 1000,
    tasksSucceeded: n,
    tasksFailed: 0,
  }
}

/** A command of any type, signed; a subject that is empty becomes the command's own id, as for what a command opens. */
export function order(who: BenchNode, networkId: string, type: string, subject: string, data: Record<string, Json>): Envelope {
  const commandId = randomUUID()
  const command = { type, subject: subject || commandId, data, commandId, issuedAt: new Date().toISOString(), audience: networkId }
  return signCommand(who.signer, command)
}

function envelope(node: BenchNode, networkId: string, type: string, data: Record<string, Json>, issuedAt: Date): Envelope {
  const command = { type, subject: node.id, data, commandId: randomUUID(), issuedAt: issuedAt.toISOString(), audience: networkId }
  return signCommand(node.signer, command as Envelope['command'])
}
