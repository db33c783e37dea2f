import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openSession } from './session.ts'

const tryAgainMs = 1_000

/**
 * Calls `wake` at each NOTIFY on `channel` until `signal` is aborted, and after each (re)connection, since something may have been
 * missed: a notification says only that it is worth looking. Resolves at the abort; Postgres being away only delays.
 */
export async function listen(
  url: string,
  channel: string,
  wake: (payload: string | undefined) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const session = await openSession(url, `duxnet listener ${channel}`)
      session.client.on('notification', ({ payload }) => wake(payload))
      const over = AbortSignal.any([signal, session.ended])
      try {
        await session.client.query(`listen ${pg.escapeIdentifier(channel)}`)
        wake(undefined)
        await new Promise<void>((resolve) => {
          if (over.aborted) resolve()
          over.addEventListener('abort', () => resolve(), { once: true })
        })
      } finally {
        await session.close()
      }
    } catch {
      // Postgres is away, which others report.
    }
    await sleep(tryAgainMs, undefined, { signal }).catch(() => {})
  }
}
