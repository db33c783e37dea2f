// What of the protocol our event store claims to answer as EventStoreDB 24.2.0 does, by section of the scenarios.

/** Every scenario of these sections must agree, or stand in deviations.ts. */
export const claimed: ReadonlySet<string> = new Set([
  '2', // connecting
  '2.1', // supported methods
  '3.1', // expected revision and idempotency
  '3.2', // sizes and fields
  '4', // Append
  '5', // BatchAppend
  '6', // Read: refused combinations
  '6.1', // finite reads
  '6.2', // the event as it is read
  '6.3', // links
  '6.4', // subscriptions
  '6.5', // filters and checkpoints
  '7', // delete and tombstone
  '8', // stream metadata
  '9.1', // persistent subscriptions: create, update, delete
  '9.2', // persistent subscriptions: delivery
  '9.3', // persistent subscriptions: parked messages and info
  '10', // system projections and the projections service
  '11', // failures
  '12', // users, access lists and credentials
  'HTTP', // plain HTTP/1.1
])

/** Not claimed yet, and why. How many of these agree already is told, and fails nothing. */
export const unclaimed: ReadonlyMap<string, string> = new Map([
  ['10-js', 'projections in JavaScript stay out: they would need an engine of their own'],
])
