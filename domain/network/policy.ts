import { z } from 'zod'
import { amountSchema, shareSchema } from '../money.ts'

const seconds = z.int().positive()
const permille = z.int().nonnegative()

/** The figures of money. */
const moneySchema = z.strictObject({
  /** Of what goes to a provider. */
  fundSharePermille: shareSchema,
  /** Blocks until a deposit counts. */
  depositConfirmations: z.int().positive(),
  withdrawal: z.strictObject({
    /** The most that a withdrawal may allow for fees. */
    feeMax: amountSchema,
    /** A steward looks at withdrawals of more than this; at those to a new destination of more than that. */
    reviewAmount: amountSchema,
    newDestinationAmount: amountSchema,
    /** Within the window: the sum, and the count, above which a steward looks at them. */
    velocityWindowSeconds: seconds,
    velocityAmountMax: amountSchema,
    velocityCountMax: z.int().positive(),
  }),
  escrow: z.strictObject({
    /** The longest that any state of an escrow may wait. */
    windowSecondsMax: seconds,
  }),
})

/** The figures by which the network is run. Numbers in events are integers, so shares are permille (1000 = 100 %). */
export const policySchema = z.strictObject({
  version: z.int().positive(),
  heartbeat: z.strictObject({
    intervalSeconds: seconds,
    /** Heartbeats a node may send at once after a pause; the bucket refills at one an interval. */
    burst: z.int().positive(),
    /** Intervals without a heartbeat until a node is offline. */
    missedIntervals: z.int().positive(),
  }),
  health: z.strictObject({
    /** Unhealthy above. */
    memoryUsedPermilleMax: permille,
    /** Unhealthy above; 1000 is a load of 1 on each core. */
    loadPerCorePermilleMax: permille,
    /** Unhealthy below, once at least `tasksMin` tasks were done. */
    successRatePermilleMin: permille,
    tasksMin: z.int().positive(),
  }),
  reputation: z.strictObject({
    start: z.int(),
    min: z.int(),
    max: z.int(),
    /** Delta by rule name. */
    rules: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,63}$/), z.int()),
  }),
  /** Absent in networks that were founded before there was money. */
  money: moneySchema.exactOptional(),
})

export type Policy = z.infer<typeof policySchema>
export type MoneyPolicy = z.infer<typeof moneySchema>

/** What a policy without figures of its own goes by. */
const initialMoney: MoneyPolicy = {
  fundSharePermille: 50,
  depositConfirmations: 6,
  withdrawal: {
    feeMax: '100000000',
    reviewAmount: '100000000000',
    newDestinationAmount: '10000000000',
    velocityWindowSeconds: 86_400,
    velocityAmountMax: '500000000000',
    velocityCountMax: 20,
  },
  escrow: { windowSecondsMax: 90 * 86_400 },
}

/** The figures of money that a policy has, or those of a network that was founded before there was any. */
export function moneyPolicy({ money }: Policy): MoneyPolicy {
  return money ?? initialMoney
}

/** Version 1, as a network is founded with. */
export const initialPolicy: Policy = {
  version: 1,
  heartbeat: { intervalSeconds: 60, burst: 2, missedIntervals: 3 },
  health: { memoryUsedPermilleMax: 970, loadPerCorePermilleMax: 8000, successRatePermilleMin: 500, tasksMin: 10 },
  reputation: {
    start: 50,
    min: 0,
    max: 100,
    rules: {
      task_success: 10,
      task_failure: -5,
      task_timeout: -10,
      malicious_behavior: -50,
      health_milestone: 2,
      uptime_milestone: 5,
      community_contribution: 15,
    },
  },
  money: initialMoney,
}
