import { type Kysely, sql } from 'kysely'
import type { PrivateRecords, Records } from '../../../commands/requests/ports.ts'
import type { Json } from '../../../domain/canonical.ts'
import { disclosuresIn } from './disclosures.ts'
import type { PrivateStore, PrivateTables } from './store.ts'
import { webhooksIn } from './webhooks.ts'

export interface RequestRow {
  signer: string
  commandId: string
  digest: string
  answer: string
  at: Date
}

function recordsIn(db: Kysely<PrivateTables>): Records {
  return { disclosures: disclosuresIn(db), webhooks: webhooksIn(db) }
}

/** What signed requests read and change, in the private store. */
export function privateRecords(store: PrivateStore): PrivateRecords {
  return {
    async read(work) {
      return work(recordsIn(await store.db()))
    },
    async once({ recentSince, rememberedSince, ...request }, work) {
      const { signer, commandId } = request
      return (await store.db()).transaction().execute(async (tx) => {
        // One request of a signer at a time: the rate and the quotas are counted before they are used.
        await sql`select pg_advisory_xact_lock(hashtextextended(${`duxnet request ${signer}`}, 0))`.execute(tx)
        const known = tx.selectFrom('requests').where('signer', '=', signer)
        const before = await known.select(['digest', 'answer']).where('commandId', '=', commandId).executeTakeFirst()
        if (before) return { before: { digest: before.digest, answer: before.answer as Json } }
        const { recent } = await known
          .select((is) => is.fn.countAll<bigint>().as('recent'))
          .where('at', '>', recentSince)
          .executeTakeFirstOrThrow()
        const answer = await work(recordsIn(tx), Number(recent))
        await tx.deleteFrom('requests').where('at', '<', rememberedSince).execute()
        await tx
          .insertInto('requests')
          .values({ ...request, answer: JSON.stringify(answer) })
          .execute()
        return { answer }
      })
    },
  }
}
