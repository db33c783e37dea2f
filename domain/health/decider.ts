import type { z } from 'zod'
import type { EndlessDecider } from '../decider.ts'
import { DomainError, malformed } from '../errors.ts'
import { type NodeState, registered } from '../node/decider.ts'
import { type Health, type HealthEvent, nodeHealthChangedSchema } from './events.ts'

export const changeHealthData = nodeHealthChangedSchema.shape.data.omit({ nodeId: true, from: true })

export interface ChangeHealth extends z.infer<typeof changeHealthData> {
  readonly type: 'ChangeHealth'
  readonly nodeId: string
  readonly signer: string
  /** The network's service key `health`; undefined when it has none. */
  readonly serviceKey: string | undefined
  readonly node: NodeState | undefined
  /** Revision of the last heartbeat in the log; -1 when there is none. */
  readonly heardRevision: number
  readonly now: string
}

export type HealthCommand = ChangeHealth

export interface HealthState {
  readonly health: 'registered' | Health
  /** The heartbeat that was last judged. */
  readonly heartbeatRevision: number | undefined
}

export const healthDecider: EndlessDecider<HealthState, HealthCommand, HealthEvent> = {
  rules: 1,
  newest: 1,
  initialState: { health: 'registered', heartbeatRevision: undefined },
  decide(command, state) {
    switch (command.type) {
      case 'ChangeHealth':
        return change(command, state)
    }
  },
  evolve(_state, event) {
    switch (event.type) {
      case 'NodeHealthChanged':
        return { health: event.data.to, heartbeatRevision: event.data.heartbeatRevision }
    }
  },
}

function change(command: ChangeHealth, state: HealthState): HealthEvent[] {
  const { type: _, signer, serviceKey, node, heardRevision, now, ...transition } = command
  if (signer !== serviceKey) throw new DomainError('SignerNotAllowed', { needed: 'service:health' })
  registered(command.nodeId, node)
  if (command.at > now) throw malformed('command.data.at', 'is in the future')
  if (command.to === state.health || isOvertaken(command, state)) return []
  return [{ type: 'NodeHealthChanged', data: { ...transition, from: state.health } }]
}

/**
 * Whether the process that sent it lags behind: the heartbeat was judged already, or a node taken for silent was heard of since.
 * Nobody comes back from offline without a newer heartbeat.
 */
function isOvertaken({ to, heartbeatRevision = -1, heardRevision }: ChangeHealth, state: HealthState): boolean {
  const { health, heartbeatRevision: judged = -1 } = state
  if (to === 'offline' && heardRevision > heartbeatRevision) return true
  return heartbeatRevision < judged || (health === 'offline' && heartbeatRevision === judged)
}
