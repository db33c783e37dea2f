import type { Fact } from '../domain/catalogue.ts'
import type { RecordedEvent } from '../domain/event.ts'
import { readModelDigest } from './digest.ts'
import { emptyLog, logReader } from './log-reader.ts'
import { type MemoryTable, memoryTables } from './memory-tables.ts'
import type { Projection, Row } from './projection.ts'

/** What a log makes of the read models, without Postgres. */
export interface Folded {
  /** Events folded. */
  readonly count: number
  /** Of the last one; −1 when there was none. */
  readonly position: bigint
  /** By projection. */
  readonly digests: Digests
  /** The same behind each event that was asked for, by its index. */
  readonly digestsAt: ReadonlyMap<number, Digests>
  /** Rows by projection and table, in the order of the primary key; without those of ascending tables, unless `keepRows` asked for them. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, readonly Row[]>>>>
}

type Digests = Readonly<Record<string, string>>

export interface FoldOptions {
  readonly keepRows?: boolean
  /** Indexes of events behind which digests are wanted. */
  readonly at?: ReadonlySet<number> | undefined
  readonly onProgress?: (count: number) => void
}

const progressEvery = 10_000

/** A log that is being folded, event by event. */
export interface Fold {
  /** Takes the next event. Throws `UnreadableEvent`, `FoldFailed`. */
  take(event: RecordedEvent): void
  /** What came of the events so far; more may come. */
  folded(): Folded
}

/** Folds from the first event on. `read` is how events are read, `decode` unless somebody else decodes the same ones. */
export function createFold(
  projections: readonly Projection[],
  { keepRows = false, at, onProgress, read }: FoldOptions & { readonly read?: (event: RecordedEvent) => Fact } = {},
): Fold {
  const reader = logReader(emptyLog, read)
  const models = projections.map((projection) => ({ name: projection.name, tables: memoryTables(projection, keepRows) }))
  const all = models.flatMap(({ tables }) => tables)
  const digestsAt = new Map<number, Digests>()
  const digestsNow = (): Digests => {
    const { newest } = reader.state
    return Object.fromEntries(models.map(({ name, tables }) => [name, digestOf(tables, newest)]))
  }
  let position = -1n
  return {
    take(event) {
      const fact = reader.take(event)
      for (const table of all) table.take(fact)
      position = event.position
      if (at?.has(fact.index)) digestsAt.set(fact.index, digestsNow())
      if ((fact.index + 1) % progressEvery === 0) onProgress?.(fact.index + 1)
    },
    folded() {
      const { count, newest } = reader.state
      const rowsOf = (tables: readonly MemoryTable[]) => Object.fromEntries(tables.map((table) => [table.name, table.rows(newest)]))
      return {
        count,
        position,
        digests: digestsNow(),
        digestsAt,
        tables: Object.fromEntries(models.map(({ name, tables }) => [name, rowsOf(tables)])),
      }
    },
  }
}

/** Folds a whole log, from its first event. Throws `UnreadableEvent`, `FoldFailed`, and what `events` throws. */
export async function foldLog(
  events: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  projections: readonly Projection[],
  options: FoldOptions = {},
): Promise<Folded> {
  const fold = createFold(projections, options)
  for await (const event of events) fold.take(event)
  return fold.folded()
}

export function digestOf(tables: readonly MemoryTable[], newest: string): string {
  return readModelDigest(Object.fromEntries(tables.map((table) => [table.name, table.digest(newest)])))
}
