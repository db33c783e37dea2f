import { decode, type Fact, UnreadableEvent } from '../domain/catalogue.ts'
import type { RecordedEvent } from '../domain/event.ts'
import type { Policy } from '../domain/network/policy.ts'
import type { LogFact } from './projection.ts'

/** What is known of the log up to a place in it: the little that folds of any stream may know of others. Kept with every checkpoint. */
export interface LogState {
  readonly networkId: string | null
  /** Events so far: the next one's index. */
  readonly count: number
  /** In force; null before the network is founded. */
  readonly policy: Policy | null
  /** The largest `recordedAt` so far; empty before the first event. */
  readonly newest: string
}

export const emptyLog: LogState = { networkId: null, count: 0, policy: null, newest: '' }

export interface LogReader {
  /** The state behind the last event taken. */
  readonly state: LogState
  /** Checks the next event. Throws `UnreadableEvent`, and then stands where it stood. */
  take(event: RecordedEvent): LogFact
}

/** Reads on from `state`. `read` is `decode`, unless somebody else decodes the very same events. */
export function logReader(state: LogState, read: (event: RecordedEvent) => Fact = decode): LogReader {
  let { networkId, count, policy, newest } = state
  return {
    get state() {
      return { networkId, count, policy, newest }
    },
    take(event) {
      const fact = read(event)
      if (fact.type === 'NetworkFounded') {
        policy = fact.data.policy
        networkId = fact.data.networkId
      }
      if (policy === null) throw new UnreadableEvent(event, 'the log does not begin with NetworkFounded')
      const { recordedAt } = fact.metadata
      if (recordedAt > newest) newest = recordedAt
      const { id, stream, revision, type, data, metadata, position, created, stored, entry } = fact
      const place = { index: count++, policy, newest, ...(stored && { stored }), ...(entry && { entry }) }
      return { id, stream, revision, type, data, metadata, position, created, ...place } as LogFact
    },
  }
}

/** Events as facts, up to the first that nobody can read. */
export interface FactsRead {
  readonly facts: readonly LogFact[]
  readonly unreadable: { readonly event: RecordedEvent; readonly error: unknown } | undefined
}

export function takeAll(reader: LogReader, events: readonly RecordedEvent[]): FactsRead {
  const facts: LogFact[] = []
  for (const event of events) {
    try {
      facts.push(reader.take(event))
    } catch (error) {
      return { facts, unreadable: { event, error } }
    }
  }
  return { facts, unreadable: undefined }
}
