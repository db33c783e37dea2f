import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { preparing } from './prepared.ts'

export type Postgres<DB> = {
  db: Kysely<DB>
  pool: pg.Pool
  /** Resolves when the server answers a query. Throws what `isUnavailable` knows, within a second more than a connection takes. */
  ping(): Promise<void>
  /** Waits for the queries in hand; those of `db` and `pool` fail from then on. */
  close(): Promise<void>
}

export type PoolOptions = {
  url: string
  /** Most connections at once; a query that finds all of them busy waits up to 2 s. */
  connections?: number
  /** Told of connections that broke while nothing waited for them: the pool replaces them by itself. */
  log?: (message: string, error: Error) => void
}

const connectMs = 2_000
const pingMs = 1_000

/**
 * Connections for the one who writes read models. No limit on a statement: a rebuild's COPY or index may take its time. Its
 * transactions may not rest, nor wait for a lock for long (behind a waiting lock of its own every reader would queue).
 */
export function openWriter<DB>(options: PoolOptions): Postgres<DB> {
  return open(options, {
    max: options.connections ?? 4,
    application_name: 'duxnet writer',
    idle_in_transaction_session_timeout: 60_000,
    lock_timeout: 10_000,
  })
}

/** Connections for queries. They cannot write, whatever the role may, and what takes longer than 5 s is cancelled by the server. */
export function openReader<DB>(options: PoolOptions): Postgres<DB> {
  return open(options, {
    max: options.connections ?? 10,
    application_name: 'duxnet reader',
    options: '-c default_transaction_read_only=on',
    statement_timeout: 5_000,
    idle_in_transaction_session_timeout: 10_000,
  })
}

/** Connections for the private store: short statements of requests, none of which may hold a row for long. */
export function openPrivatePool<DB>(options: PoolOptions): Postgres<DB> {
  return open(options, {
    max: options.connections ?? 4,
    application_name: 'duxnet private',
    statement_timeout: 5_000,
    idle_in_transaction_session_timeout: 10_000,
  })
}

/*
 * There is no time limit on our side of a query (pg's `query_timeout`): it would hand a connection with an unfinished query, in a
 * transaction of whatever state, to the next user. A server that hangs is met by `ping` and by the deadline of the HTTP request.
 */
function open<DB>(options: PoolOptions, limits: pg.PoolConfig): Postgres<DB> {
  const pool = new pg.Pool({
    connectionString: options.url,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    types: { getTypeParser },
    ...limits,
  })
  // Idle connections report to the pool, those in use to themselves: without both listeners a broken one would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', (error) => options.log?.('a connection to Postgres broke', error)))
  return {
    db: new Kysely<DB>({ dialect: new PostgresDialect({ pool: preparing(pool) }) }),
    pool,
    ping: () => withDeadline(pool.query('select 1'), connectMs + pingMs),
    close: () => (pool.ending ? Promise.resolve() : pool.end()),
  }
}

/** As pg reads values, but `int8` as bigint: positions and counts pass 2^53. Only for our pools, not for the whole process. */
export const getTypeParser: pg.CustomTypesConfig['getTypeParser'] = (oid, format) =>
  oid === pg.types.builtins.INT8 && format !== 'binary' ? BigInt : pg.types.getTypeParser(oid, format)

async function withDeadline(work: Promise<unknown>, limitMs: number): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => reject(Object.assign(new Error('Postgres did not answer in time'), { code: 'ETIMEDOUT' })),
    limitMs,
  )
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}
