// `t`: what a scenario works with. Everything resolves to plain objects; a server's error is a value, never an exception.
import { randomUUID } from 'node:crypto'
import type { Answer } from './answers.ts'
import type { Outgoing, Wire } from './codec.ts'
import { type CallOptions, connect, type Security } from './connection.ts'
import { normalise } from './normalise.ts'
import { persistent } from './persistent.ts'
import type { Schema } from './schema.ts'
import { brief, type EventFields, streams } from './streams.ts'

export type Toolkit = ReturnType<typeof toolkit>
export type Subscription = ReturnType<Toolkit['subscribe']>

export function toolkit(target: string, schema: Schema, security: Security) {
  const run = `r${randomUUID().replaceAll('-', '').slice(0, 10)}`
  const connection = connect(target, schema, security)
  const records: { label: string; value: unknown }[] = []
  const ids: string[] = []
  let names = 0
  let events = 0

  const id = (): string => {
    const made = randomUUID()
    ids.push(made)
    return made
  }

  /** An event to send: JSON with a running number unless `json` or the bytes of `data` are given. */
  function event({
    id: given = id(),
    type = 'probed',
    json,
    data,
    metadata,
    contentType,
    rawMetadata,
  }: EventFields = {}): Outgoing {
    const isJson = data === undefined
    const said = contentType ?? (isJson || type === '$metadata' ? 'application/json' : 'application/octet-stream')
    return {
      id: typeof given === 'string' ? { string: given } : given,
      metadata: rawMetadata ?? { type, 'content-type': said },
      customMetadata: typeof metadata === 'object' && !(metadata instanceof Uint8Array) ? JSON.stringify(metadata) : metadata,
      data: isJson ? JSON.stringify(json ?? { n: ++events }) : data,
    }
  }

  // In $all only messages of this scenario's own streams count; messages that are no events always do.
  const isOwn = (message: Wire): boolean => {
    const known = [message.event?.event, message.event?.link].filter(Boolean)
    return known.length === 0 || known.some(({ streamIdentifier }) => streamIdentifier?.streamName.includes(run))
  }

  const name = (hint: string) => `${hint}-${run}-${++names}`

  const groups = persistent(connection)

  return {
    run,
    target,
    /** A name for a stream that nobody else uses. */
    stream: (hint = 'stream'): string => name(hint),
    group: (hint = 'group'): string => name(hint),
    /** A prefix shared by exactly this run's streams of that hint. */
    prefix: (hint = 'stream'): string => `${hint}-${run}-`,
    id,
    event,
    events: (count: number, fields?: EventFields) => Array.from({ length: count }, () => event(fields)),
    brief,
    ...streams({ connection, schema, isOwn, event, id }),
    persistent: groups,
    call: (service: string, method: string, object: Outgoing = {}, options?: CallOptions): Promise<Wire> =>
      connection.unary(service, method, object, options),
    serverStream: connection.serverStream,
    clientStream: connection.clientStream,
    bidi: connection.bidi,
    http: connection.http,
    sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
    /** The answer once it is enough, or the last one when `ms` have passed. */
    async eventually<Given>(ask: () => Promise<Given>, enough: (answer: Given) => unknown, ms = 10_000): Promise<Given> {
      const deadline = Date.now() + ms
      for (;;) {
        const answer = await ask()
        if (enough(answer) || Date.now() > deadline) return answer
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    },
    /** What the server under test must answer too. The value is taken as it is now. */
    record: (label: string, value: unknown): void => void records.push({ label, value: structuredClone(value) ?? null }),
    /** Ends what is still open, and hands over what was recorded. */
    finish: async (): Promise<Answer[]> => {
      await groups.removeAll()
      connection.close()
      // The shape stays; only texts within it change.
      return normalise(records, { run, ids }) as unknown as Answer[]
    },
  }
}
