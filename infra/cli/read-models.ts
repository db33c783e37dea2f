import { openWriter, type Postgres } from '../../adapters/postgres/pool.ts'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import { StoreUnavailable } from '../../commands/ports.ts'
import type { LogFact } from '../../projections/projection.ts'
import type { ReadModels } from '../../projections/read.ts'
import { readModels } from '../../projections/read-models.ts'
import { eventBehind, type Verification, verify } from '../../projections/verify.ts'
import { type Config, redact, type Sources } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { exit, Failure, UsageError } from './command.ts'
import { type Log, openLog } from './log.ts'
import { progressOf } from './progress.ts'

/** The log and the read models made of it. */
export interface LiveReadModels {
  readonly log: Log
  readonly postgres: Postgres<ReadModels>
}

/** Keys of the configuration that `withReadModels` uses. */
export const readModelKeys = ['data', 'esdbUrl', 'databaseUrl', 'namespace'] as const

/**
 * Works on the log and the read models of the running instance, or on those of `ESDB_URL` and `DATABASE_URL`. Throws `NotRunning`, and
 * `Failure` when an engine is away.
 */
export async function withReadModels<T>(
  loaded: { config: Config; sources: Sources },
  work: (live: LiveReadModels) => Promise<T>,
): Promise<T> {
  const { config } = loaded
  const url = config.databaseUrl ?? (await findRunning(config.data)).database
  if (url === undefined) throw new Failure(`the DuxNet on ${config.data} runs without Postgres`)
  await using open = new AsyncDisposableStack()
  try {
    const log = await openLog(loaded)
    open.defer(() => log.close())
    const postgres = openWriter<ReadModels>({ url })
    open.defer(() => postgres.close())
    return await work({ log, postgres })
  } catch (error) {
    if (isUnavailable(error)) throw new Failure(`${redact(url)}: ${(error as Error).message}`, { cause: error })
    if (error instanceof StoreUnavailable) throw new Failure(error.message, { cause: error })
    throw error
  }
}

/** All read models, or those that are named. Throws `UsageError` for a name that there is not. */
export function readModelsOf(names: readonly string[]) {
  const unknown = names.find((name) => !readModels.some((projection) => projection.name === name))
  if (unknown !== undefined)
    throw new UsageError(`there is no read model '${unknown}'; there are ${readModels.map(({ name }) => name).join(', ')}`)
  return names.length ? readModels.filter(({ name }) => names.includes(name)) : readModels
}

/**
 * Folds the log to each checkpoint, compares with Postgres and prints what it finds, with the event behind a row that differs where
 * `withEvents` asks for it; the exit code: 0 equal, 1 different.
 */
export async function verifyLive(
  { log, postgres }: LiveReadModels,
  names: readonly string[],
  { withEvents = false }: { readonly withEvents?: boolean } = {},
): Promise<number> {
  const projections = readModelsOf(names)
  const verified = await verify(postgres.db, log.store, projections, { onProgress: progressOf('folding') })
  let isEqual = true
  for (const projection of projections) {
    const found = verified.find(({ name }) => name === projection.name)
    isEqual &&= found !== undefined && isSame(found)
    const behind =
      withEvents && found?.row
        ? await eventBehind(log.store, projection, found.row, found.position, progressOf('looking for the event'))
        : undefined
    process.stdout.write(`${lineOf(projection.name, found)}\n`)
    if (withEvents && found?.row) process.stdout.write(`  ${eventText(behind)}\n`)
  }
  return isEqual ? exit.done : exit.failed
}

const isSame = ({ difference, folded, stored }: Verification) => difference === undefined && folded === stored

function lineOf(name: string, found: Verification | undefined): string {
  if (!found) return `${name}: has not been built`
  const { position, stored, folded, difference } = found
  const place = `at position ${position}`
  if (isSame(found)) return `${name}: equal ${place}, ${stored}`
  return `${name}: DIFFERENT ${place}, log ${folded ?? 'none'}, Postgres ${stored}\n  ${difference}`
}

function eventText(fact: LogFact | undefined): string {
  if (!fact) return 'no event of the log makes such a row'
  const { index, position, type, stream, revision } = fact
  return `the last event behind it is ${index} at position ${position}: ${type} of ${stream}@${revision}`
}
