import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** One connection held for long, outside every pool. */
export type Session = {
  client: pg.Client
  /** Aborted when the connection is gone, or the server did not answer for 10 s. */
  ended: AbortSignal
  close(): Promise<void>
}

const connectMs = 2_000
const askEveryMs = 5_000
const answerMs = 5_000

/** Connects. The connection is asked now and then, so that one that nobody uses is not taken for alive. */
export async function openSession(url: string, applicationName: string): Promise<Session> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: connectMs,
    keepAlive: true,
  })
  const ended = new AbortController()
  const end = () => ended.abort()
  client.on('error', end)
  client.on('end', end)
  try {
    await client.connect()
    // The server, too, must notice within a minute that a machine is gone, and free what its session held. No effect on a local socket.
    await client.query('set tcp_keepalives_idle = 20; set tcp_keepalives_interval = 10; set tcp_keepalives_count = 3')
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }

  const watch = async () => {
    for (;;) {
      await sleep(askEveryMs, undefined, { signal: ended.signal, ref: false })
      const late = sleep(answerMs, 'late', { signal: ended.signal, ref: false })
      if ((await Promise.race([client.query('select'), late])) === 'late') break
    }
  }
  void watch()
    .catch(() => {})
    .finally(end)
  return {
    client,
    ended: ended.signal,
    async close() {
      end()
      // A connection that no longer answers never confirms its end: the socket is closed in any case.
      const late = sleep(connectMs, undefined, { ref: false })
      await Promise.race([client.end().catch(() => {}), late])
    },
  }
}
