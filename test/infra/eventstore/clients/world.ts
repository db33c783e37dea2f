import { once } from 'node:events'
import type { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { AppendOptions, Client, EventData, Library, ResolvedEvent } from './library.ts'

export type Test = ReturnType<typeof suite>

/** A server and a client of it, and short forms of what the tests do with them. */
export interface World extends Library {
  readonly client: Client
  /** `host:port?options`, to be put behind a scheme. */
  readonly address: string
  /** Another connection, to be disposed by whoever asked for it. */
  another(): Client
  write(stream: string, events: EventData | EventData[], options?: AppendOptions): ReturnType<Library['append']>
  /** An event of type Ticked whose data is `{n}`. */
  tick(n: number, type?: string): EventData
}

export function worldOf(library: Library, connectionString: string): World {
  const address = connectionString.slice(connectionString.indexOf('://') + 3)
  const another = () => library.connect(`${library.scheme}://${address}`)
  const client = another()
  return {
    ...library,
    client,
    address,
    another,
    write: (stream, events, options) => library.append(client, stream, events, options),
    tick: (n, type = 'Ticked') => library.jsonEvent({ type, data: { n } }),
  }
}

let streams = 0
/** The name of a stream that no other test uses. */
export const streamName = (what: string) => `${what}${++streams}`

export async function collect(events: AsyncIterable<ResolvedEvent>): Promise<ResolvedEvent[]> {
  const found: ResolvedEvent[] = []
  for await (const event of events) found.push(event)
  return found
}

/** The first events of a subscription, which is ended then. */
export async function take(subscription: AsyncIterable<ResolvedEvent> & { unsubscribe(): Promise<void> }, count: number) {
  const found: ResolvedEvent[] = []
  for await (const event of subscription) if (found.push(event) === count) break
  await subscription.unsubscribe()
  return found
}

/** Resolves when the server has confirmed a subscription. */
export const confirmed = (subscription: NodeJS.EventEmitter) => once(subscription, 'confirmation')

/** `{n}` of each event. */
export const numbers = (events: readonly ResolvedEvent[]) => events.map(({ event }) => (event!.data as { n: number }).n)
export const revisions = (events: readonly ResolvedEvent[]) => events.map(({ event }) => Number(event!.revision))

/** The error with which a promise is rejected; its `type` is compared, which is what applications look at. */
export async function refused(promise: Promise<unknown>, type: string): Promise<Error> {
  let result: unknown
  try {
    result = await promise
  } catch (error) {
    assert.is((error as { type?: string }).type, type, String(error))
    return error as Error
  }
  throw new Error(`not refused with ${type}: ${String(result)}`)
}
