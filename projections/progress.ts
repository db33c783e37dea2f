import { setTimeout as sleep } from 'node:timers/promises'
import { readCheckpoints } from './checkpoints.ts'
import { type ReadDatabase, unavailable } from './read.ts'

/** How far the read models are, for those who wait for their own writes (`?after=`, design.md 20). */
export interface Progress {
  /**
   * Waits until `projection` has taken in `position`, but at most `limitMs`; resolves with the position it stands at (−1 before
   * the first event). Throws what Postgres throws, and the signal's reason.
   */
  reached(projection: string, position: bigint, limitMs: number, signal?: AbortSignal): Promise<bigint>
  /** Tells at once what a projector in this process (or a NOTIFY) knows; without it waiters ask Postgres every 20 ms, with it now and then. */
  advanced(projection: string, position: bigint): void
}

const askEveryMs = { alone: 20, told: 250 }

/**
 * Who waits asks Postgres for all who wait in this process, and nobody asks when nobody waits: this is the same whether the projector
 * runs in this process, in another one or both, and needs no connection of its own. `advanced` only shortens it.
 */
export function progress(db: ReadDatabase): Progress {
  const known = new Map<string, bigint>()
  const waiters = new Set<Waiter>()
  let asking = false
  /** Whether somebody told since it was last asked: then there is a projector here, and to ask is only to be sure. */
  let isTold = false

  function advanced(projection: string, position: bigint): void {
    isTold = true
    note(projection, position)
  }

  function note(projection: string, position: bigint): void {
    known.set(projection, position)
    for (const waiter of waiters) if (waiter.projection === projection && position >= waiter.position) waiter.wake()
  }

  /** Asks for all waiters until there are none. */
  async function ask(): Promise<void> {
    if (asking) return
    asking = true
    try {
      while (waiters.size) {
        for (const [name, { position }] of await readCheckpoints(db).catch(unavailable('checkpoints'))) note(name, position)
        const restMs = isTold ? askEveryMs.told : askEveryMs.alone
        isTold = false
        if (waiters.size) await sleep(restMs)
      }
    } catch (error) {
      for (const waiter of waiters) waiter.fail(error)
    } finally {
      asking = false
    }
  }

  return {
    advanced,
    async reached(projection, position, limitMs, signal) {
      signal?.throwIfAborted()
      const reached = () => known.get(projection) ?? -1n
      if (reached() >= position) return reached()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const waiter = { projection, position, wake: resolve, fail: reject }
      const abort = () => reject(signal?.reason)
      const late = setTimeout(resolve, limitMs)
      signal?.addEventListener('abort', abort)
      waiters.add(waiter)
      void ask()
      try {
        await promise
        return reached()
      } finally {
        waiters.delete(waiter)
        clearTimeout(late)
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}

interface Waiter {
  readonly projection: string
  readonly position: bigint
  wake(): void
  fail(error: unknown): void
}
