import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto'
import { foundNetwork } from '../../commands/network.ts'
import type { EventStore, Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import type { Profile } from '../../domain/node/events.ts'

/** A node of a benchmark. It signs with node:crypto: Ed25519 is deterministic, and tweetnacl would take longer than the measurement. */
export interface BenchNode {
  readonly id: string
  readonly signer: Signer
}

export function benchNode(): BenchNode {
  const signer = fastSigner(generateKeyPairSync('ed25519').privateKey)
  return { id: nodeIdOf(signer.publicKey), signer }
}

function fastSigner(key: KeyObject): Signer {
  const publicKey = createPublicKey(createPrivateKey(key.export({ type: 'pkcs8', format: 'pem' }))).export({ format: 'jwk' }).x!
  return { publicKey, sign: (message) => sign(null, message, key).toString('base64url') }
}

/** A test network in which heartbeats may come as fast as they like, so that the server is measured and not the bucket. */
export async function benchNetwork(store: EventStore, namespace = 'dux') {
  const authority = benchNode().signer
  const policy = { ...initialPolicy, heartbeat: { ...initialPolicy.heartbeat, burst: 1_000_000 } }
  const service = benchNode().signer
  const keys = { authority, serviceKeys: { health: service.publicKey }, logKey: benchNode().signer.publicKey }
  return { network: await foundNetwork({ store, namespace, kind: 'test', policy, ...keys }), namespace, authority, service }
}

const profile: Profile = {
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

/** The nth heartbeat of a node: their `issuedAt` are a millisecond apart and end at about now. */
export function heartbeat(node: BenchNode, networkId: string, n: number, startedAt: number): Envelope {
  const vitals = {
    uptimeSeconds: 60 * n,
    loadPermille: 1200 + (n % 100),
    cores: 8,
    memoryUsedBytes: 9_000_000_000 + n,
    memoryTotalBytes: 16 * 2 ** 30,
    cpuPermille: n % 1000,
    tasksSucceeded: n,
    tasksFailed: 0,
  }
  return envelope(node, networkId, 'RecordHeartbeat', { vitals }, new Date(startedAt + n))
}

function envelope(node: BenchNode, networkId: string, type: string, data: Record<string, Json>, issuedAt: Date): Envelope {
  const command = { type, subject: node.id, data, commandId: randomUUID(), issuedAt: issuedAt.toISOString(), audience: networkId }
  return signCommand(node.signer, command as Envelope['command'])
}
