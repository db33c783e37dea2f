import type { ChainBlock } from '../ports.ts'
import { type ChainDeps, isAway } from './chain.ts'
import { creditDeposits } from './chain-deposits.ts'
import { createReconciliation } from './chain-reconciliation.ts'
import { undoReorganised } from './chain-reorganisation.ts'
import { createWithdrawals } from './chain-withdrawals.ts'

export interface ChainRunnerDeps extends ChainDeps {
  /** Resolves once the to-do list has taken in `position`; false when it does not within seconds. Throws what Postgres throws. */
  readonly tookIn: (position: bigint) => Promise<boolean>
  /** Makes sure that the node is the right one. Throws Error for one that is not, and `ChainUnavailable`. */
  readonly checkNode: () => Promise<void>
  /** Position of the newest event; undefined in an empty log. Throws `StoreUnavailable`. */
  readonly head: () => Promise<bigint | undefined>
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told of whatever stopped a round; the next one tries again. */
  readonly onError: (error: unknown) => void
  readonly onRound?: (round: { readonly tip: ChainBlock; readonly differences: number }) => void
}

export interface ChainRunner {
  /** Looks at chain and to-do list once. True when there was nothing to say in the log. Throws what stopped it. */
  round(): Promise<boolean>
  /** Rounds until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

/** Milliseconds between rounds. */
const pauseMs = 1000
/** Milliseconds between comparisons. */
const compareMs = 60_000
/** Milliseconds between questions whether the node still watches all addresses: it may have been replaced between two rounds. */
const watchMs = 600_000
/** Addresses that the node is asked about at once. */
const addressPage = 200

/** Brings deposits in and pays withdrawals out, one thing after the other: each round sees what the one before has done. */
export function createChainRunner(deps: ChainRunnerDeps): ChainRunner {
  const { chain, treasury, store, work, tookIn, checkNode, head, sleep, onError, onRound } = deps
  /** Of the last event that this process appended, or the head when it began: the to-do list must have taken it in. */
  let seen: bigint | undefined
  /** When the node was last asked whether it watches all addresses; a node that was away may be another now. */
  let watchedAt = Number.NEGATIVE_INFINITY

  const noting: ChainDeps = {
    ...deps,
    async submit(envelope, context) {
      const outcome = await deps.submit(envelope, context)
      if (outcome.position !== undefined && outcome.position > (seen ?? -1n)) seen = outcome.position
      return outcome
    },
  }
  const withdrawals = createWithdrawals(noting)
  const reconciliation = createReconciliation(noting)

  async function round(): Promise<boolean> {
    seen ??= await head()
    const before = seen
    if (!(await isCurrent())) return false
    if (deps.clock().getTime() - watchedAt >= watchMs) await watchAll()
    for (let all = false; !all; ) {
      all = await undoReorganised(noting)
      if (!(await isCurrent())) return false
    }
    const tip = await chain.tip()
    await creditDeposits(noting)
    await withdrawals.advance(tip)
    onRound?.({ tip, differences: (await work.differences()).length })
    return seen === before
  }

  const isCurrent = async () => seen === undefined || tookIn(seen)

  /** A node that was replaced or restored watches nothing yet: it looks at old blocks, and all that it finds is listed anew. */
  async function watchAll(): Promise<void> {
    await checkNode()
    await watchUnwatched([treasury.changeAddress])
    for (let page = await store.addressesAfter('', addressPage); page.length; ) {
      await watchUnwatched(page)
      page = await store.addressesAfter(page.at(-1)!, addressPage)
    }
    watchedAt = deps.clock().getTime()
  }

  /** The place is given up first: whoever dies in between lists everything once more, and misses nothing. */
  async function watchUnwatched(addresses: readonly string[]): Promise<void> {
    const unwatched = await chain.unwatched(addresses)
    if (!unwatched.length) return
    await store.setPlace(undefined)
    await chain.watch(unwatched, true)
  }

  return {
    round,
    async run(signal) {
      let compared = Number.NEGATIVE_INFINITY
      // Another process may have done the work meanwhile.
      seen = undefined
      while (!signal.aborted) {
        try {
          const idle = await round()
          const now = deps.clock().getTime()
          if (idle && now - compared >= compareMs) {
            await reconciliation.look()
            compared = now
          }
        } catch (error) {
          if (isAway(error)) watchedAt = Number.NEGATIVE_INFINITY
          if (!signal.aborted) onError(error)
        }
        await sleep(pauseMs, signal)
      }
    },
  }
}
