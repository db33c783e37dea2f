import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { copyTransaction } from '../adapters/postgres/copy.ts'
import { isUnavailable } from '../adapters/postgres/unavailable.ts'
import type { Clock } from '../commands/ports.ts'
import { type Progress, progress as progressOf } from '../projections/progress.ts'
import { createProjector } from '../projections/projector.ts'
import { type Queries, queries } from '../projections/queries.ts'
import { readModels } from '../projections/read-models.ts'
import { type ProjectionStatus, storedStatus } from '../projections/status.ts'
import type { Engines } from './engines.ts'
import { whileLeading } from './leading.ts'
import type { Lifetime } from './lifetime.ts'

/** The read models as an instance has them: to read, and where it may, to write. */
export interface ReadSide {
  readonly queries: Queries
  readonly progress: Progress
  /** Of this process' projector while it leads, otherwise what Postgres knows. Throws what Postgres throws. */
  status(): Promise<readonly ProjectionStatus[]>
}

export interface ReadSideOptions {
  readonly engines: Engines
  readonly lifetime: Lifetime
  readonly clock: Clock
  readonly log: Logger
  /** Told when a read model has moved. */
  readonly onAdvance: (projection: string) => void
}

/** Opens the read models and, where there is a writer for them, keeps them up to date while this process leads. */
export function openReadSide({ engines, lifetime, clock, log, onAdvance }: ReadSideOptions): ReadSide | undefined {
  const { eventStore, postgres } = engines
  if (!postgres) return undefined
  const { reader, writer, url } = postgres
  const store = eventStore?.store
  const progress = progressOf(reader.db)
  const stored = () => storedStatus(reader.db, readModels, store, clock)
  let status = stored
  if (writer && store) {
    const projector = createProjector({
      projections: readModels,
      source: store,
      db: writer.db,
      copyTransaction: (work) => copyTransaction(writer.pool, work),
      clock,
      onAdvance(projection, position) {
        progress.advanced(projection, position)
        onAdvance(projection)
      },
      log,
    })
    lifetime.background('the projector', (signal) =>
      whileLeading(url, 'projector', signal, async (within) => {
        status = projector.status
        await projector.run(within)
        status = stored
      }),
    )
  }
  return { queries: queries(reader.db), progress, status: () => status() }
}

/** Waits until every read model serves, or Postgres is away; says how far the builds are. Throws the reason of `signal`. */
export async function untilBuilt({ status }: ReadSide, progress: (what: string) => void, signal: AbortSignal): Promise<void> {
  for (let said = performance.now(); ; await sleep(50, undefined, { signal })) {
    try {
      const building = (await status()).filter(
        ({ state, generation }) => !generation && (state === 'building' || state === 'waiting'),
      )
      if (!building.length) return
      if (performance.now() - said < 1000) continue
      said = performance.now()
      progress(`building the read models ${building.map(({ name }) => name).join(', ')}: ${building[0]!.detail ?? 'soon'}`)
    } catch (error) {
      // Queries answer 503 until it is back, everything else goes on. Any other error: the first tables are not there yet.
      if (isUnavailable(error)) return
    }
  }
}
