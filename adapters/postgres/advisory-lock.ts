import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { openSession, type Session } from './session.ts'

/** Being the only one, among all processes on one database, that does `role`. */
export type Leadership = {
  /** Aborted when the lock may be another's by now. What follows must be fenced by itself: the news can come late. */
  lost: AbortSignal
  /** Gives the lock back. */
  release(): Promise<void>
}

const tryAgainMs = 500

/**
 * Waits until this process leads `role`, across disconnects, however long it takes. The lock belongs to a session of its own and
 * falls with it, so a killed leader is followed within a second.
 *
 * Asks again and again instead of waiting inside `pg_advisory_lock`: a statement that waits for days would keep its snapshot and with
 * it every dead row of the database. Not for use through a pooler that shares sessions (PgBouncer's transaction mode).
 *
 * @throws only the reason of `signal`
 */
export async function becomeLeader(url: string, role: string, signal: AbortSignal): Promise<Leadership> {
  const key = createHash('sha256').update(`duxnet leader ${role}`).digest().readBigInt64BE()
  let session: Session | undefined
  for (;;) {
    try {
      signal.throwIfAborted()
      if (session === undefined || session.ended.aborted) session = await openSession(url, `duxnet leader ${role}`)
      const { rows } = await session.client.query('select pg_try_advisory_lock($1) as leads', [key])
      if (rows[0].leads === true && !signal.aborted) return { lost: session.ended, release: session.close }
    } catch {
      // Postgres is away, which others report; or the signal, below.
      await session?.close()
      session = undefined
    }
    if (!signal.aborted) await sleep(tryAgainMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) {
      await session?.close()
      throw signal.reason
    }
  }
}
