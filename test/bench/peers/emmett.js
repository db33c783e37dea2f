// Emmett 0.42 on Postgres, as its documentation shows it; loaded by the benchmarks through a computed path.
import { SQL } from '@event-driven-io/dumbo'
import {
  getPostgreSQLEventStore,
  postgreSQLRawBatchSQLProjection,
  rebuildPostgreSQLProjections,
} from '@event-driven-io/emmett-postgresql'

/** An event store with its schema in place. */
export async function openStore(url) {
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()
  return store
}

/** A read model of one row a stream, fed by one statement a batch of events. */
export function countingProjection(name) {
  return postgreSQLRawBatchSQLProjection({
    name,
    canHandle: ['HeartbeatRecorded'],
    evolve: (events) => events.map(({ data }) => SQL`INSERT INTO emmett_nodes (id, beats, last) VALUES (${data.nodeId}, 1, ${data.issuedAt}) ON CONFLICT (id) DO UPDATE SET beats = emmett_nodes.beats + 1, last = EXCLUDED.last`),
    init: () => SQL`CREATE TABLE IF NOT EXISTS emmett_nodes (id text PRIMARY KEY, beats int NOT NULL, last text NOT NULL)`,
  })
}

/** Rebuilds and returns when no message is left. */
export async function rebuild(url, projection) {
  const consumer = rebuildPostgreSQLProjections({
    connectionString: url,
    projections: [projection],
    pulling: { batchSize: 1000, pullingFrequencyInMs: 0 },
  })
  await consumer.start()
  await consumer.close()
}
