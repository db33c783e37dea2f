import { z } from 'zod'
import type { EndlessDecider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import type { Policy } from '../network/policy.ts'
import { type NodeState, speaksFor } from '../node/decider.ts'
import { tooEarlyMs } from './bucket.ts'
import { type HeartbeatEvent, type Vitals, vitalsSchema } from './events.ts'

export const recordHeartbeatData = z.strictObject({ vitals: vitalsSchema })

export interface RecordHeartbeat {
  readonly type: 'RecordHeartbeat'
  readonly nodeId: string
  readonly signer: string
  readonly node: NodeState | undefined
  readonly policy: Policy
  /** The node's clock. */
  readonly issuedAt: string
  /** The server's clock. */
  readonly now: string
  readonly vitals: Vitals
}

export type HeartbeatCommand = RecordHeartbeat

export interface HeartbeatState {
  readonly lastIssuedAt: string | undefined
  /** When the newest heartbeats were taken, in milliseconds since 1970, oldest first. */
  readonly recent: readonly number[]
}

// The stream is endless and never folded from its start, so the bucket looks at this many heartbeats and no further, whoever
// looks: a cached state, one just read, an auditor's. Over longer stretches a node may gain `burst` on every so many.
const remembered = 16

export const heartbeatDecider: EndlessDecider<HeartbeatState, HeartbeatCommand, HeartbeatEvent> = {
  rules: 1,
  newest: remembered,
  initialState: { lastIssuedAt: undefined, recent: [] },
  decide(command, state) {
    switch (command.type) {
      case 'RecordHeartbeat':
        return record(command, state)
    }
  },
  evolve({ recent }, event, recordedAt) {
    switch (event.type) {
      case 'HeartbeatRecorded':
        return { lastIssuedAt: event.data.issuedAt, recent: [...recent.slice(1 - remembered), Date.parse(recordedAt)] }
    }
  },
}

function record(command: RecordHeartbeat, { lastIssuedAt, recent }: HeartbeatState): HeartbeatEvent[] {
  const { nodeId, signer, node, policy, issuedAt, now, vitals } = command
  speaksFor(nodeId, node, signer)
  if (vitals.memoryUsedBytes > vitals.memoryTotalBytes)
    throw malformed('command.data.vitals.memoryUsedBytes', 'is more than memoryTotalBytes')
  // Instants are written in one form only, so their texts sort as they do.
  if (lastIssuedAt !== undefined && issuedAt <= lastIssuedAt)
    throw new DomainError('HeartbeatOutOfOrder', { issuedAt, lastIssuedAt })
  const early = tooEarlyMs(recent, Date.parse(now), policy.heartbeat)
  if (early > 0) throw new DomainError('HeartbeatTooEarly', { retryAfterSeconds: Math.ceil(early / 1000), serverTime: now })
  return [{ type: 'HeartbeatRecorded', data: { nodeId, issuedAt, vitals } }]
}
