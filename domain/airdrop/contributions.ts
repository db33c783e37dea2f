import { type Reason, reasons, reasonsOf, type Standing } from './eligibility.ts'
import type { Criteria } from './rules.ts'

/** What a criterion makes of a node. */
export interface Contribution {
  readonly criterion: Reason
  readonly value: string
  /** At least; of `sybil`, at most. */
  readonly needed: string
  readonly holds: boolean
  /** Of the window, that it is counted from, and the first and the last of them by their indexes in the log. */
  readonly events: number
  readonly firstIndex: number | null
  readonly lastIndex: number | null
}

/** Types of the events that each criterion is counted from. */
const typesOf: Readonly<Record<Reason, readonly string[]>> = {
  deregistered: ['NodeRegistered', 'NodeDeregistered'],
  uptime: ['HeartbeatRecorded'],
  proofs: ['ComputationProved'],
  reputation_end: ['ReputationChanged'],
  reputation_min: ['ReputationChanged'],
  sybil: ['SybilSignalRaised', 'SybilSignalWithdrawn'],
}

/** All types of events that say something of a node's standing. */
export const standingTypes: readonly string[] = [...new Set(Object.values(typesOf).flat())]

/** What makes a node eligible or not; `events` are its own in the window, in their order. */
export function contributionsOf(
  standing: Standing,
  criteria: Criteria,
  events: readonly { readonly index: number; readonly type: string }[],
): readonly Contribution[] {
  const failed = reasonsOf(standing, criteria)
  const figures: Readonly<Record<Reason, readonly [value: number, needed: number]>> = {
    deregistered: [Number(standing.isRegistered), 1],
    uptime: [standing.uptimePermille, criteria.uptimePermilleMin],
    proofs: [standing.proofs, criteria.proofsMin],
    reputation_end: [standing.reputationEnd, criteria.reputationEndMin],
    reputation_min: [standing.reputationMin, criteria.reputationMin],
    sybil: [standing.sybilWeight, criteria.sybilWeightMax],
  }
  return reasons.map((criterion) => {
    const [value, needed] = figures[criterion]
    const own = events.filter(({ type }) => typesOf[criterion].includes(type))
    return {
      criterion,
      value: String(value),
      needed: String(needed),
      holds: !failed.includes(criterion),
      events: own.length,
      firstIndex: own[0]?.index ?? null,
      lastIndex: own.at(-1)?.index ?? null,
    }
  })
}
