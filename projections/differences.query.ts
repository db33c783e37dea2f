import { type DifferenceRow, reconciliation } from './differences.ts'
import { type Answer, type NewestPage, type NewestPaging, newest, type ReadDatabase } from './read.ts'

export interface DifferenceListing extends NewestPaging {
  readonly open?: boolean | undefined
}

export interface DifferencesQueries {
  listDifferences(listing: DifferenceListing): Promise<Answer<NewestPage<DifferenceRow>>>
}

export function differencesQueries(db: ReadDatabase): DifferencesQueries {
  return {
    listDifferences({ open, ...paging }) {
      let query = db.selectFrom('differences').selectAll()
      if (open !== undefined) query = query.where('open', '=', open)
      return newest(db, reconciliation, query, ['foundAt', 'differenceId'], paging)
    },
  }
}
