import type { NetworkFounded } from '../domain/network/events.ts'
import { network } from './network.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'

/** The network as the API shows it. */
export type NetworkView = NetworkFounded['data'] & { readonly changedPosition: bigint }

export interface NetworkQueries {
  /** Undefined until the network is founded. */
  network(): Promise<Answer<NetworkView | undefined>>
}

export function networkQueries(db: ReadDatabase): NetworkQueries {
  return {
    async network() {
      const { value, ...place } = await answer(db, network, db.selectFrom('networks').selectAll())
      // The columns are the event's fields, checked when it was decoded.
      return { value: value[0] as unknown as NetworkView | undefined, ...place }
    },
  }
}
