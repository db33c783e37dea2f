import { z } from 'zod'
import type { EndlessDecider } from '../decider.ts'
import { DomainError } from '../errors.ts'
import type { Policy } from '../network/policy.ts'
import { type NodeState, registered } from '../node/decider.ts'
import type { ReputationEvent } from './events.ts'

/** A rule of the policy, by whose delta the score moves, or a delta of the authority's own with its reason. */
export const changeReputationData = z.union([
  z.strictObject({ rule: z.literal('custom'), delta: z.int(), reason: z.string().min(1).max(200) }),
  z.strictObject({
    rule: z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/, 'must be a rule of the policy or custom')
      .refine((rule) => rule !== 'custom', { error: 'custom needs a delta and a reason', abort: true }),
  }),
])

export type ReputationChange = z.infer<typeof changeReputationData>

export interface ChangeReputation {
  readonly type: 'ChangeReputation'
  readonly nodeId: string
  readonly signer: string
  readonly authority: string
  readonly node: NodeState | undefined
  readonly policy: Policy
  readonly change: ReputationChange
}

export type ReputationCommand = ChangeReputation

/** Undefined until the first change: the policy's start then. */
export interface ReputationState {
  readonly score: number | undefined
}

export const reputationDecider: EndlessDecider<ReputationState, ReputationCommand, ReputationEvent> = {
  rules: 1,
  newest: 1,
  initialState: { score: undefined },
  decide(command, state) {
    switch (command.type) {
      case 'ChangeReputation':
        return change(command, state)
    }
  },
  evolve(_state, event) {
    switch (event.type) {
      case 'ReputationChanged':
        return { score: event.data.new }
    }
  },
}

function change(
  { nodeId, signer, authority, node, policy, change }: ChangeReputation,
  { score }: ReputationState,
): ReputationEvent[] {
  if (signer !== authority) throw new DomainError('SignerNotAllowed', { needed: 'authority' })
  registered(nodeId, node)
  const { start, min, max, rules } = policy.reputation
  const delta = 'delta' in change ? change.delta : Object.hasOwn(rules, change.rule) ? rules[change.rule] : undefined
  if (delta === undefined) throw new DomainError('ReputationRuleUnknown', { rule: change.rule })
  const old = score ?? start
  const next = Math.min(max, Math.max(min, old + delta))
  const applied = next - old
  return [{ type: 'ReputationChanged', data: { nodeId, ...change, delta, old, new: next, applied, clamped: applied !== delta } }]
}
