import { sql } from 'kysely'
import { type DifferenceRow, reconciliation } from './differences.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'

export interface DifferenceListing {
  readonly open?: boolean | undefined
  readonly limit: number
  /** The `next` of the page before, of the same filter. */
  readonly after?: DifferencePlace | undefined
}

/** The last difference of a page: the newest come first. */
export interface DifferencePlace {
  readonly foundAt: string
  readonly differenceId: string
}

export interface DifferencePage {
  readonly differences: readonly DifferenceRow[]
  readonly next: DifferencePlace | undefined
}

export interface DifferencesQueries {
  listDifferences(listing: DifferenceListing): Promise<Answer<DifferencePage>>
}

export function differencesQueries(db: ReadDatabase): DifferencesQueries {
  return {
    async listDifferences({ open, limit, after }) {
      let query = db.selectFrom('differences').selectAll()
      if (open !== undefined) query = query.where('open', '=', open)
      if (after) query = query.where(sql<boolean>`("foundAt", "differenceId") < (${after.foundAt}, ${after.differenceId})`)
      const page = query
        .orderBy('foundAt', 'desc')
        .orderBy('differenceId', 'desc')
        .limit(limit + 1)
      const { value, ...place } = await answer(db, reconciliation, page, [
        ['foundAt', 'desc'],
        ['differenceId', 'desc'],
      ])
      const differences = value.slice(0, limit)
      const last = differences.at(-1)
      const next = value.length > limit ? last && { foundAt: last.foundAt, differenceId: last.differenceId } : undefined
      return { value: { differences, next }, ...place }
    },
  }
}
