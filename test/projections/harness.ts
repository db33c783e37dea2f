import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter, type Postgres } from '../../adapters/postgres/pool.ts'
import type { Projection } from '../../projections/projection.ts'
import { createProjector, type Projector, type ProjectorOptions } from '../../projections/projector.ts'
import { type Queries, queries } from '../../projections/queries.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import type { ProjectionStatus } from '../../projections/status.ts'
import { type Verification, verify } from '../../projections/verify.ts'
import { testPostgres } from '../support/engines.ts'
import { type TestLog, testLog } from './history.ts'

/** A database and a log of their own, and as many projectors between them as a test starts. */
export interface Stage {
  readonly log: TestLog
  readonly postgres: Postgres<ReadModels>
  readonly url: string
  readonly readerUrl: string
  readonly queries: Queries
  start(options?: Partial<ProjectorOptions>): Running
  /** All projections against the log. */
  verify(projections?: readonly Projection[]): Promise<readonly Verification[]>
  /** Ends every session of the database, as a restart of Postgres would; resolves when our side knows it too. */
  endSessions(): Promise<void>
  /** Stops what runs and removes the database. */
  close(): Promise<void>
}

export interface Running {
  readonly projector: Projector
  /** What was logged: `error halted`. */
  readonly said: string[]
  /** Positions by projection, as told by `onAdvance`. */
  readonly advances: (readonly [projection: string, position: bigint])[]
  /** Waits until every projection is at the head and live. */
  caughtUp(): Promise<void>
  /** Waits until the projection's status is as wanted, and resolves with it. */
  until(name: string, isWanted: (status: ProjectionStatus) => boolean): Promise<ProjectionStatus>
  stop(): Promise<void>
}

const limitMs = 30_000

const stages = new Set<Stage>()

/** Closes what a test opened, however it ended. */
export async function closeStages(): Promise<void> {
  for (const stage of stages) await stage.close()
}

export async function openStage(log: TestLog = testLog()): Promise<Stage> {
  const { url, readerUrl, close } = await testPostgres()
  const postgres = openWriter<ReadModels>({ url })
  const running = new Set<Running>()

  function start(options: Partial<ProjectorOptions> = {}): Running {
    const over = new AbortController()
    const said: string[] = []
    const advances: (readonly [string, bigint])[] = []
    const say = (level: string) => (_: object, message: string) => void said.push(`${level} ${message}`)
    const projector = createProjector({
      projections: readModels,
      source: log.store,
      db: postgres.db,
      copyTransaction: (work) => copyTransaction(postgres.pool, work),
      clock: () => new Date(),
      onAdvance: (name, position) => advances.push([name, position]),
      log: { info: say('info'), warn: say('warn'), error: say('error') },
      ...options,
    })
    const done = projector.run(over.signal)
    const self: Running = {
      projector,
      said,
      advances,
      async caughtUp() {
        await eventually(async () => {
          const status = await projector.status()
          return status.every(({ state, lagSeconds }) => state === 'live' && lagSeconds === 0) || status
        })
      },
      async until(name, isWanted) {
        let found: ProjectionStatus | undefined
        await eventually(async () => {
          found = (await projector.status()).find((status) => status.name === name)
          return (found !== undefined && isWanted(found)) || found
        })
        return found!
      },
      async stop() {
        running.delete(self)
        over.abort()
        await done
      },
    }
    running.add(self)
    return self
  }

  const stage: Stage = {
    log,
    postgres,
    url,
    readerUrl,
    queries: queries(postgres.db),
    start,
    verify: (projections = readModels) => verify(postgres.db, log.store, projections),
    endSessions: () => endSessions(url),
    async close() {
      if (!stages.delete(stage)) return
      for (const one of running) await one.stop()
      await postgres.close()
      await close()
    },
  }
  stages.add(stage)
  return stage
}

/** From a connection of its own: the pool's may hand out one that has just been ended. */
async function endSessions(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const others = 'from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()'
    const { rows } = await client.query<{ pid: number }>(`select pid, pg_terminate_backend(pid) ${others}`)
    const ended = rows.map(({ pid }) => pid)
    await eventually(async () => (await client.query(`select ${others} and pid = any($1)`, [ended])).rows.length === 0)
  } finally {
    await client.end()
  }
  // Their sockets are closed by now; in the next turn of the event loop the pool hears of it.
  await sleep(10)
}

/** Waits until `look` says true; what it said last is shown when it never does. */
export async function eventually(look: () => Promise<unknown>): Promise<void> {
  const end = Date.now() + limitMs
  for (;;) {
    const seen = await look()
    if (seen === true) return
    if (Date.now() > end)
      throw new Error(
        `still not so after ${limitMs} ms: ${JSON.stringify(seen, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`,
      )
    await sleep(10)
  }
}

/** Seed of the random tests: SEED, or one of the day's choosing, which is printed to be used again. */
export const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)

export const isLong = process.env.SCALE === 'long'
