// A process that does the chain's work until it is killed at a named point: CHAIN_OPTIONS has its options, CHAIN_POINT the point.
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { failPoints } from '../../infra/fail-points.ts'
import { type ChainInstanceOptions, startChainInstance } from './instance.ts'

const { eventStore, ...options } = JSON.parse(process.env.CHAIN_OPTIONS!) as Omit<ChainInstanceOptions, 'store'> & {
  eventStore: string
}
const store = connectEventStore({ connectionString: eventStore, namespace: options.namespace })
const reached = failPoints(process.env.CHAIN_POINT)!
const instance = await startChainInstance({ ...options, store, reached })
await instance.caughtUp()
for (;;) await instance.runner.round().catch(() => {})
