// Who is eligible, as a fold of the log: the same events give the same answer on any machine, whoever asks (F-40).
import type { Fact } from '../catalogue.ts'
import { type CampaignRules, type Criteria, slotsOf } from './rules.ts'

/** What the log says of a node at the end of a window. */
export interface Standing {
  readonly nodeId: string
  readonly isRegistered: boolean
  /** Whole slots of the window in which a heartbeat was recorded, and their share of all in permille. */
  readonly slots: number
  readonly uptimePermille: number
  /** Verified computations in the window, and their units. */
  readonly proofs: number
  readonly work: bigint
  /** Score at the end, and the lowest in the window. */
  readonly reputationEnd: number
  readonly reputationMin: number
  /** Of signals that were raised and not withdrawn. */
  readonly sybilWeight: number
}

/** The events that count, as indexes in the log; `toIndex` is `fromIndex - 1` where there are none. */
export interface WindowIndexes {
  readonly fromIndex: number
  readonly toIndex: number
}

/** What made a node ineligible. */
export const reasons = ['deregistered', 'uptime', 'proofs', 'reputation_end', 'reputation_min', 'sybil'] as const
export type Reason = (typeof reasons)[number]

/** Why a node gets nothing; empty for one that is eligible. */
export function reasonsOf(standing: Standing, criteria: Criteria): readonly Reason[] {
  const found: Record<Reason, boolean> = {
    deregistered: !standing.isRegistered,
    uptime: standing.uptimePermille < criteria.uptimePermilleMin,
    proofs: standing.proofs < criteria.proofsMin,
    reputation_end: standing.reputationEnd < criteria.reputationEndMin,
    reputation_min: standing.reputationMin < criteria.reputationMin,
    sybil: standing.sybilWeight > criteria.sybilWeightMax,
  }
  return reasons.filter((reason) => found[reason])
}

/** What is kept of a node whatever window is asked for; a score of `undefined` is the policy's start. */
interface NodeTally {
  isRegistered: boolean
  score: number | undefined
  readonly signals: Map<string, number>
}

/** What the log says of all nodes so far. */
export interface NodeTallies {
  /** Score that nodes begin with. */
  start: number
  readonly nodes: Map<string, NodeTally>
}

export function nodeTallies(): NodeTallies {
  return { start: 0, nodes: new Map() }
}

export function countNode(tallies: NodeTallies, fact: Fact): void {
  const { nodes } = tallies
  switch (fact.type) {
    case 'NetworkFounded':
      tallies.start = fact.data.policy.reputation.start
      return
    case 'NodeRegistered':
      nodes.set(fact.data.nodeId, { isRegistered: true, score: undefined, signals: new Map() })
      return
    case 'NodeDeregistered':
      nodes.get(fact.data.nodeId)!.isRegistered = false
      return
    case 'ReputationChanged':
      nodes.get(fact.data.nodeId)!.score = fact.data.new
      return
    case 'SybilSignalRaised':
      nodes.get(fact.data.nodeId)!.signals.set(fact.data.signalId, fact.data.weight)
      return
    case 'SybilSignalWithdrawn':
      nodes.get(fact.data.nodeId)!.signals.delete(fact.data.signalId)
      return
    default:
      return
  }
}

/** What is kept of a node for one window. */
interface WindowTally {
  slots: number
  lastSlot: number
  proofs: number
  work: bigint
  scoreMin: number | undefined
}

/** What nodes did in a window so far. */
export interface WindowTallies {
  readonly fromMs: number
  readonly slotMs: number
  readonly slotCount: number
  readonly nodes: Map<string, WindowTally>
}

export function windowTallies(rules: Pick<CampaignRules, 'window' | 'criteria'>): WindowTallies {
  const fromMs = Date.parse(rules.window.from)
  return { fromMs, slotMs: rules.criteria.slotSeconds * 1000, slotCount: slotsOf(rules), nodes: new Map() }
}

/** Counts an event of the window. */
export function countInWindow({ fromMs, slotMs, slotCount, nodes }: WindowTallies, fact: Fact): void {
  switch (fact.type) {
    case 'HeartbeatRecorded': {
      const slot = Math.floor((Date.parse(fact.metadata.recordedAt) - fromMs) / slotMs)
      const tally = tallyOf(nodes, fact.data.nodeId)
      if (slot <= tally.lastSlot || slot >= slotCount) return
      tally.lastSlot = slot
      tally.slots += 1
      return
    }
    case 'ReputationChanged': {
      const tally = tallyOf(nodes, fact.data.nodeId)
      // What it stood at when the window began counts too.
      tally.scoreMin = Math.min(tally.scoreMin ?? fact.data.old, fact.data.new)
      return
    }
    case 'ComputationProved': {
      const tally = tallyOf(nodes, fact.data.nodeId)
      tally.proofs += 1
      tally.work += BigInt(fact.data.units)
      return
    }
    default:
      return
  }
}

const nothingDone = { slots: 0, lastSlot: -1, proofs: 0, work: 0n, scoreMin: undefined }

function tallyOf(nodes: Map<string, WindowTally>, nodeId: string): WindowTally {
  let tally = nodes.get(nodeId)
  if (!tally) nodes.set(nodeId, (tally = { ...nothingDone }))
  return tally
}

/** Of every node that was ever registered, in the order of their ids. */
export function standingsOf({ start, nodes }: NodeTallies, window: WindowTallies): readonly Standing[] {
  return [...nodes.keys()].sort().map((nodeId) => {
    const { isRegistered, score = start, signals } = nodes.get(nodeId)!
    const { slots, proofs, work, scoreMin = score } = window.nodes.get(nodeId) ?? nothingDone
    const uptimePermille = Math.floor((slots * 1000) / window.slotCount)
    const sybilWeight = [...signals.values()].reduce((sum, weight) => sum + weight, 0)
    return { nodeId, isRegistered, slots, uptimePermille, proofs, work, reputationEnd: score, reputationMin: scoreMin, sybilWeight }
  })
}
