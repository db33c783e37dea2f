import type { SignedCommand } from '../../domain/envelope.ts'
import type { Health, HealthReason } from '../../domain/health/events.ts'
import { uuidV5 } from '../../domain/ids.ts'
import type { Policy } from '../../domain/network/policy.ts'
import type { HealthItem } from '../ports.ts'

/** The open items of the `health-watch` read model, and what to judge them by. */
export interface HealthRound {
  readonly networkId: string
  readonly policy: Policy
  readonly now: Date
  /** Since when heartbeats could be taken in without a break. */
  readonly upSince: Date
  /** Nodes heard of within the grace whose status is not their last heartbeat's verdict. */
  readonly changed: readonly HealthItem[]
  /** Nodes not offline that were not heard of for the grace. */
  readonly silent: readonly HealthItem[]
}

/** How long a node may be silent before it is offline, in milliseconds. */
export function graceMs({ heartbeat }: Policy): number {
  return heartbeat.intervalSeconds * heartbeat.missedIntervals * 1000
}

/** The commands that close the items that are due. The same item makes the same command id, whoever asks and however often. */
export function healthCommands(round: HealthRound): SignedCommand[] {
  const judged = round.changed.map((item) => commandFor(item, round, item.verdict, item.reasons, item.heartbeatAt))
  const due = round.silent.map((item) => [item, deadline(item, round)] as const).filter(([, at]) => at <= round.now)
  return [...judged, ...due.map(([item, at]) => commandFor(item, round, 'offline', ['missed_heartbeats'], at.toISOString()))]
}

/** What was missed while nobody listened is not held against a node: it has the whole grace again from `upSince`. */
function deadline({ heartbeatAt }: HealthItem, { policy, upSince }: HealthRound): Date {
  return new Date(Math.max(Date.parse(heartbeatAt), upSince.getTime()) + graceMs(policy))
}

function commandFor(
  { nodeId, heartbeatRevision }: HealthItem,
  { networkId, now }: HealthRound,
  to: Health,
  reasons: readonly HealthReason[],
  at: string,
): SignedCommand {
  return {
    type: 'ChangeHealth',
    subject: nodeId,
    data: { to, reasons, at, heartbeatRevision },
    commandId: uuidV5(networkId, `health\n${nodeId}\n${heartbeatRevision}\n${to}`),
    issuedAt: now.toISOString(),
    audience: networkId,
  }
}
