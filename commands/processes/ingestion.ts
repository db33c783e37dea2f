import type { Clock, EventStore } from '../ports.ts'

/** Knows since when heartbeats could be taken in: our own loop ran and the event store answered. */
export interface Ingestion {
  /** To be called every `everyMs`; a gap between two calls, or a store that does not answer, begins anew. */
  tick(): Promise<void>
  /** Undefined while the store does not answer. */
  upSince(): Date | undefined
}

/** A gap of this many ticks is a stall: nobody was served, whatever the reason. */
const stallTicks = 5

export function watchIngestion(store: Pick<EventStore, 'ping'>, clock: Clock, everyMs: number): Ingestion {
  let since: Date | undefined = clock()
  let last = since

  return {
    async tick() {
      const started = clock()
      const stalled = started.getTime() - last.getTime() > stallTicks * everyMs
      last = started
      const answers = await store.ping().then(
        () => true,
        () => false,
      )
      if (!answers) since = undefined
      else if (stalled || !since) since = clock()
    },
    upSince: () => since,
  }
}
