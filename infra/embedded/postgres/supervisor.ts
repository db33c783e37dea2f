import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError } from './errors.ts'
import type { Server } from './server.ts'

const firstPauseMs = 100
const longestPauseMs = 5_000
const failuresInARow = 6
const stableAfterMs = 30_000

export type Supervisor = {
  /** Resolves once the server has ended, or failed to start, six times without 30 s of work in between. Never rejects. */
  failed: Promise<Error>
  /** Ends the server, or the waiting for its restart. */
  stop(): Promise<void>
}

/**
 * Keeps a server running: one that ends unasked is started again by `restart`, after a pause that doubles each time. The signal that
 * `restart` is given is aborted by `stop()`.
 */
export function supervise(
  first: Server,
  restart: (signal: AbortSignal) => Promise<Server>,
  log: (line: string) => void,
): Supervisor {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  const stopping = new AbortController()
  const { signal } = stopping
  const stopAsked = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

  async function run(): Promise<void> {
    let server = first
    let failures = 0
    for (;;) {
      const started = performance.now()
      await Promise.race([server.ended, stopAsked])
      if (signal.aborted) return server.stop()
      if (performance.now() - started > stableAfterMs) failures = 0
      let reason: Error = await server.ended
      for (;;) {
        log(`Postgres: ${reason.message}`)
        failures += 1
        if (failures >= failuresInARow) {
          const message = `Postgres: ended ${failures} times in a row and is not started again; the last time: ${reason.message}`
          const full = reason instanceof EmbeddedPostgresError && reason.code === 'DiskFull'
          return fail(new EmbeddedPostgresError(full ? 'DiskFull' : 'KeepsCrashing', message, { cause: reason }))
        }
        await sleep(Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs), undefined, { signal }).catch(() => {})
        if (signal.aborted) return
        const next = await restart(signal).catch((error: Error) => error)
        if (signal.aborted) return next instanceof Error ? undefined : next.stop()
        if (!(next instanceof Error)) {
          server = next
          break
        }
        reason = next
      }
    }
  }

  const over = run()
  return {
    failed,
    async stop() {
      stopping.abort()
      await over
    },
  }
}
