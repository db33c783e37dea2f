import { type Kysely, sql } from 'kysely'
import type { Disclosures } from '../../../commands/requests/ports.ts'
import type { PrivateTables } from './store.ts'

/** Something handed in by one key; what was erased has neither salt nor content. */
export interface DisclosureRow {
  commitment: string
  /** Public key. */
  discloser: string
  salt: Buffer | null
  content: Buffer | null
  mediaType: string
  /** Who may read it beside the discloser: public keys and names of roles. */
  readers: string[]
  createdAt: Date
  erasedAt: Date | null
}

export function disclosuresIn(db: Kysely<PrivateTables>): Disclosures {
  return {
    async copies(commitment) {
      const query = db.selectFrom('disclosures').selectAll().where('commitment', '=', commitment)
      const rows = await query.orderBy('createdAt').orderBy('discloser').execute()
      return rows.map(({ salt, content, erasedAt, ...row }) => ({
        ...row,
        disclosed: salt && content ? { salt, content } : undefined,
        erasedAt: erasedAt ?? undefined,
      }))
    },
    async usage(discloser) {
      const { count, bytes } = await db
        .selectFrom('disclosures')
        .select((is) => [is.fn.countAll<bigint>().as('count'), sql<bigint | null>`sum(octet_length(content))`.as('bytes')])
        .where('discloser', '=', discloser)
        .where('erasedAt', 'is', null)
        .executeTakeFirstOrThrow()
      return { count: Number(count), bytes: Number(bytes ?? 0) }
    },
    async keep({ commitment, discloser, disclosed: { salt, content }, ...rest }) {
      const row = { ...rest, salt: Buffer.from(salt), content: Buffer.from(content), readers: [...rest.readers], erasedAt: null }
      await db
        .insertInto('disclosures')
        .values({ commitment, discloser, ...row })
        .onConflict((conflict) => conflict.columns(['commitment', 'discloser']).doUpdateSet(row))
        .execute()
    },
    async erase(commitment, discloser, erasedAt) {
      await db
        .updateTable('disclosures')
        .set({ salt: null, content: null, readers: [], erasedAt })
        .where('commitment', '=', commitment)
        .where('discloser', '=', discloser)
        .execute()
    },
  }
}
