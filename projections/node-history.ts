import { sql } from 'kysely'
import type { Projection } from './projection.ts'
import { type Answer, answer, type Page, type Paging, pageOf, type ReadDatabase, type ReadModels } from './read.ts'

type HistoryTable = 'heartbeats' | 'healthChanges' | 'reputationChanges'

/** What one of a node's streams told, paged by its revisions. */
export async function nodeHistory<Table extends HistoryTable, View extends { readonly revision: number }>(
  db: ReadDatabase,
  projection: Projection,
  table: Table,
  nodeId: string,
  { limit, after, descending = false, asOf }: Paging,
  viewOf: (row: ReadModels[Table]) => View,
): Promise<Answer<Page<View>>> {
  const direction = descending ? 'desc' : 'asc'
  let query = db
    .selectFrom(table as HistoryTable)
    .selectAll()
    .where('nodeId', '=', nodeId)
  if (after !== undefined) query = query.where('revision', descending ? '<' : '>', after)
  if (asOf !== undefined) query = query.where('position', '<=', asOf)
  const page = query.orderBy(sql.ref('revision'), direction).limit(limit + 1)
  const { value, ...place } = await answer(db, projection, page, [['revision', direction]])
  const views = value.map((row) => viewOf(row as unknown as ReadModels[Table]))
  return { value: pageOf(views, limit, ({ revision }) => revision), ...place }
}
