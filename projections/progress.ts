import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'kysely'
import { home, type ReadDatabase } from './read.ts'

/** How far the read models are, for those who wait for their own writes (`?after=`, design.md 20). */
export interface Progress {
  /**
   * Waits until `projection` has taken in `position`, but at most `limitMs`; resolves with the position it stands at (−1 before
   * the first event). Throws what Postgres throws, and the signal's reason.
   */
  reached(projection: string, position: bigint, limitMs: number, signal?: AbortSignal): Promise<bigint>
  /** Tells at once what a projector in this process (or a NOTIFY) knows; without it waiters ask Postgres every 20 ms. */
  advanced(projection: string, position: bigint): void
}

const askEveryMs = 20

/**
 * Who waits asks Postgres for all who wait in this process, and nobody asks when nobody waits: this is the same whether the projector
 * runs in this process, in another one or both, and needs no connection of its own. `advanced` only shortens it.
 */
export function progress(db: ReadDatabase): Progress {
  interface Waiter {
    readonly projection: string
    readonly position: bigint
    wake(reached: bigint): void
    fail(error: unknown): void
  }
  const waiters = new Set<Waiter>()
  let asking = false

  function advanced(projection: string, position: bigint): void {
    for (const waiter of waiters) if (waiter.projection === projection && position >= waiter.position) waiter.wake(position)
  }

  async function positions(): Promise<ReadonlyMap<string, bigint>> {
    const found = await sql<{ name: string; position: bigint | string }>`
      select name, position from ${sql.table(`${home}.checkpoints`)}`.execute(db)
    return new Map(found.rows.map(({ name, position }) => [name, BigInt(position)]))
  }

  /** Asks for all waiters until there are none. */
  async function ask(): Promise<void> {
    if (asking) return
    asking = true
    try {
      while (waiters.size) {
        for (const [name, position] of await positions()) advanced(name, position)
        if (waiters.size) await sleep(askEveryMs)
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
      const before = (await positions()).get(projection) ?? -1n
      if (before >= position) return before
      const { promise, resolve, reject } = Promise.withResolvers<bigint | undefined>()
      const waiter: Waiter = { projection, position, wake: resolve, fail: reject }
      const late = new AbortController()
      const abort = () => reject(signal!.reason)
      signal?.addEventListener('abort', abort)
      waiters.add(waiter)
      void ask()
      void sleep(limitMs, undefined, { signal: late.signal }).then(
        () => resolve(undefined),
        () => {},
      )
      try {
        return (await promise) ?? (await positions()).get(projection) ?? -1n
      } finally {
        waiters.delete(waiter)
        late.abort()
        signal?.removeEventListener('abort', abort)
      }
    },
  }
}
