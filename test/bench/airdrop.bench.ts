// An airdrop over a month's heartbeats, computed from an export as an auditor does it, beside what any reader of the file has to do.
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { createAirdropFold, resultOf } from '../../domain/airdrop/result.ts'
import type { CampaignRules } from '../../domain/airdrop/rules.ts'
import type { CanonicalEvent } from '../../domain/event.ts'
import { streamName } from '../../domain/stream.ts'
import { each, exportLines, readExportedLog } from '../../infra/cli/export-format.ts'
import { bareReader } from './bare-reader.ts'
import { benchNetwork, benchNode, profile, vitalsOf } from './commands.ts'
import { aim, expectCount, interleave, note, printMachine, scratch, table } from './harness.ts'
import { recordedEvent } from './history.ts'

const nodeCount = Number(process.env.NODES ?? 10_000)
const heartbeats = Number(process.env.HEARTBEATS ?? 1_000_000)
const beats = Math.ceil(heartbeats / nodeCount)
const slotMs = 60_000
const startMs = Math.ceil(Date.now() / 86_400_000 + 1) * 86_400_000
const endMs = startMs + (beats + 1) * slotMs

printMachine([])
const store = memoryEventStore()
const { network, namespace } = await benchNetwork(store)
const steward = benchNode()
const campaignId = '00000000-0000-4000-8000-000000000001'
const rules: CampaignRules = {
  window: { from: new Date(startMs).toISOString(), to: new Date(endMs).toISOString() },
  criteria: { slotSeconds: 60, uptimePermilleMin: 500, proofsMin: 0, reputationEndMin: 10, reputationMin: 10, sybilWeightMax: 0 },
  algorithm: { kind: 'capped', by: 'reputation', amountMax: '100000000000' },
  budget: '100000000000000',
  appealsPermille: 50,
  claimSeconds: 86_400,
}

/** Registrations, the announcement, then each minute a heartbeat of every node, one in fifty of which does not come. */
async function* history(): AsyncGenerator<CanonicalEvent> {
  for await (const { id, stream, revision, type, data, metadata } of store.readAll())
    yield { id, stream, revision, type, data, metadata }
  const nodes = Array.from({ length: nodeCount }, benchNode)
  const at = (ms: number) => new Date(ms)
  const stored = (stream: string, revision: number, event: ReturnType<typeof recordedEvent>) => ({ stream, revision, ...event })
  for (const node of nodes) {
    const event = { type: 'NodeRegistered', data: { nodeId: node.id, publicKey: node.signer.publicKey, profile } } as const
    const command = { profile: { ...profile, capabilities: [...profile.capabilities] } }
    const made = recordedEvent(network, namespace, node, 'node', event, 'RegisterNode', command, at(startMs - 2 * slotMs))
    yield stored(streamName(namespace, 'node', node.id), 0, made)
  }
  const data = { campaignId, label: 'bench', by: steward.signer.publicKey, policyVersion: 1, rules }
  const announced = { type: 'CampaignAnnounced', data } as const
  const command = { label: 'bench', rules: rules as never }
  const announcement = recordedEvent(
    network,
    namespace,
    steward,
    'airdrop',
    announced,
    'AnnounceCampaign',
    command,
    at(startMs - slotMs),
  )
  yield stored(streamName(namespace, 'airdrop', campaignId), 0, announcement)
  for (let beat = 0; beat <= beats + 1; beat++) {
    const vitals = vitalsOf(beat)
    for (const [n, node] of nodes.entries()) {
      if ((n + beat) % 50 === 0) continue
      const now = startMs + beat * slotMs + 1 + Math.floor((n * slotMs) / nodeCount)
      const issuedAt = at(now - 35).toISOString()
      const event = { type: 'HeartbeatRecorded', data: { nodeId: node.id, issuedAt, vitals } } as const
      const made = recordedEvent(network, namespace, node, 'heartbeat', event, 'RecordHeartbeat', { vitals }, at(now))
      yield stored(streamName(namespace, 'heartbeat', node.id), beat, made)
    }
  }
}

const path = join(scratch(), 'log.ndjson')
let written = 0
async function* counted() {
  for await (const event of history()) {
    written += 1
    yield event
  }
}
await pipeline(exportLines(counted(), { networkId: network.networkId }), createWriteStream(path))
console.log(`\n${written} events, ${nodeCount} nodes, ${beats} slots`)

let rssMb = 0
const seconds: number[] = []
let root: string | null | undefined
const ours = {
  name: 'ours: the file proved, its list, root and report',
  async round() {
    const started = performance.now()
    const fold = createAirdropFold({ only: campaignId })
    let count = 0
    for await (const event of each(readExportedLog(path))) {
      fold.take(event)
      count += 1
    }
    const result = resultOf(fold.standings(campaignId)!)
    const { publication } = result
    seconds.push((performance.now() - started) / 1000)
    rssMb = Math.max(rssMb, process.memoryUsage().rss / 1024 ** 2)
    expectCount('events', count, written)
    expectCount('nodes', publication.allotted, nodeCount)
    if (root !== undefined && publication.root !== root) throw new Error('another root')
    root = publication.root
    return count / seconds.at(-1)!
  },
}

const bare = bareReader(path, written)

const rates = table('Airdrop', 'events a second', await interleave([ours, bare], 0))
note('ours / bare reader', rates[ours.name]! / rates[bare.name]!)
aim('seconds, the longest round', Math.max(...seconds), { atMost: 30 })
aim('memory of this process at most, MB', rssMb, { atMost: 1024 })
