import { randomBytes } from 'node:crypto'
import { verifySignature } from '../adapters/crypto/ed25519.ts'
import { privateRecords } from '../adapters/postgres/private/records.ts'
import { refusalOfUrl } from '../adapters/webhooks/addresses.ts'
import type { Clock } from '../commands/ports.ts'
import { createRequests, type Requests } from '../commands/requests/submit.ts'
import { queries } from '../projections/queries.ts'
import type { PrivateEngine } from './engines.ts'
import { NotServed } from './not-served.ts'

export interface PrivateSideOptions {
  readonly engine: PrivateEngine
  readonly networkId: string
  readonly clock: Clock
  readonly allowPrivate: boolean
}

const webhookKeyBytes = 32

/** What is signed but no command, on the private store and the read models beside it. */
export function openRequests({ engine, networkId, clock, allowPrivate }: PrivateSideOptions): Requests {
  const reads = queries(engine.reader.db)
  return createRequests({
    networkId,
    clock,
    verify: verifySignature,
    records: privateRecords(engine.store),
    async network() {
      const { value } = await reads.network()
      if (!value) throw new NotServed('the read model has no network yet')
      return value
    },
    surroundings: {
      refusalOfUrl: (url) => refusalOfUrl(url, allowPrivate),
      newKey: () => randomBytes(webhookKeyBytes),
      nextIndex: async () => (await reads.nextIndex()).value,
    },
  })
}
