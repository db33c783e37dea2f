import { createHash } from 'node:crypto'
import type { PostgresPool, PostgresPoolClient } from 'kysely'
import type pg from 'pg'

const namesMax = 500

/**
 * The pool as Kysely takes it, but queries with parameters are prepared under a name, so that Postgres parses and plans each but once
 * a connection: half the time of our short ones. Which it plans anew for each value it decides itself.
 */
export function preparing(pool: pg.Pool): PostgresPool {
  const names = new Map<string, string>()
  const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()

  function nameOf(text: string): string {
    const known = names.get(text)
    if (known !== undefined) return known
    // The name follows from the text: a text that was forgotten here finds its plans again.
    const name = createHash('sha256').update(text).digest('base64url')
    if (names.size >= namesMax) names.clear()
    names.set(text, name)
    return name
  }

  function preparingClient(client: pg.PoolClient): PostgresPoolClient {
    const query = (text: string | object, values: readonly unknown[] = []) =>
      typeof text === 'string' && values.length
        ? client.query({ name: nameOf(text), text, values: [...values] })
        : client.query(text as string, [...values])
    // Kysely's type has a second way to call it, with a cursor, which nobody here does.
    return { query: query as unknown as PostgresPoolClient['query'], release: () => client.release() }
  }

  return {
    async connect() {
      const client = await pool.connect()
      let known = clients.get(client)
      if (!known) clients.set(client, (known = preparingClient(client)))
      return known
    },
    end: () => pool.end(),
  }
}
