// Streams service: append, batch append, read, subscribe, delete, over one connection of one scenario.
import { decode, type Outgoing, toBytes, type Wire } from './codec.ts'
import type { CallOptions, Connection } from './connection.ts'
import { codeName } from './failure.ts'
import { kind } from './look.ts'
import type { Schema } from './schema.ts'

/** A 64-bit number in any form that holds it. */
export type Long = number | bigint | string

/** A place in $all, as a scenario writes it or as an answer had it. */
export type Position =
  | { readonly commit: Long; readonly prepare: Long }
  | { readonly commitPosition: Long; readonly preparePosition: Long }

/** A revision in a stream, or a position in $all. */
export type From = 'start' | 'end' | Long | Position

/** What a write expects; undefined sends no expectation at all. */
export type Expected = 'any' | 'no_stream' | 'stream_exists' | number | bigint | undefined

export interface Filter {
  readonly on: 'stream' | 'type'
  readonly regex?: string
  readonly prefix?: readonly string[]
  readonly window?: number | 'count'
  readonly interval?: number
}

/** `everyone`: the messages about other scenarios' streams too. `raw` replaces fields of the request's options. */
export interface ReadOptions extends CallOptions {
  readonly from?: From | undefined
  readonly direction?: 'forwards' | 'backwards'
  readonly count?: Long
  readonly resolveLinks?: boolean
  readonly filter?: Filter | undefined
  readonly uuid?: 'string' | 'structured'
  readonly compatibility?: number
  readonly raw?: Outgoing | undefined
  readonly everyone?: boolean
  readonly waitMs?: number
}

interface Duration {
  readonly seconds: Long
  readonly nanos?: number
}

/** `deadline` is a point in time, `timeout` a span. `raw`: these messages instead of the request. */
export interface WriteOptions extends CallOptions {
  readonly raw?: readonly Outgoing[]
  readonly chunks?: number
  readonly deadline?: Duration
  readonly timeout?: Duration
  readonly correlation?: string | Outgoing
  readonly waitMs?: number
  readonly graceMs?: number
}

/** An event as it is sent; see `event` of the toolkit for what can be said about one. */
export interface EventFields {
  readonly id?: string | Outgoing
  readonly type?: string
  readonly json?: unknown
  readonly data?: string | Uint8Array
  readonly metadata?: unknown
  readonly contentType?: string
  readonly rawMetadata?: Readonly<Record<string, string>>
}

/** How many events to make up, or the events. */
export type Events = number | readonly Outgoing[]

/** `events`: the messages that are events, to look into. It is not recorded with the rest. */
export interface Read {
  readonly messages: Wire[]
  readonly events: Wire[]
  readonly error?: Wire
}

export type Write = (stream: string, expected: Expected, events?: Events, options?: WriteOptions) => Promise<Wire>

interface Parts {
  readonly connection: Connection
  readonly schema: Schema
  readonly isOwn: (message: Wire) => boolean
  readonly event: (fields?: EventFields) => Outgoing
  readonly id: () => string
}

const service = 'streams.Streams'
const everything = 9_007_199_254_740_991n

export const identifier = (stream: string) => ({ streamName: stream })

function expectation(expected: Expected, revisionField = 'revision'): Outgoing {
  switch (expected) {
    case undefined:
      return {}
    case 'any':
      return { any: {} }
    case 'no_stream':
      return { noStream: {} }
    case 'stream_exists':
      return { streamExists: {} }
    default:
      return { [revisionField]: expected }
  }
}

export function filterOption(filter: Filter | undefined): Outgoing {
  if (!filter) return { noFilter: {} }
  const { on, regex, prefix, window = 'count', interval = 1 } = filter
  return {
    filter: {
      [on === 'stream' ? 'streamIdentifier' : 'eventType']: { regex, prefix },
      ...(window === 'count' ? { count: {} } : { max: window }),
      checkpointintervalmultiplier: interval,
    },
  }
}

/** Where to start, as a field of the request's options: in a stream by revision, in $all by position. */
export function startOption(from: From): Outgoing {
  if (from === 'start') return { start: {} }
  if (from === 'end') return { end: {} }
  if (typeof from !== 'object') return { revision: from }
  const [commitPosition, preparePosition] =
    'commit' in from ? [from.commit, from.prepare] : [from.commitPosition, from.preparePosition]
  return { position: { commitPosition, preparePosition } }
}

function readOptions(stream: string, options: ReadOptions, subscription: boolean): Outgoing {
  const { direction = 'forwards', count = everything, resolveLinks = false, filter, uuid = 'string', compatibility, raw } = options
  const start = startOption(options.from ?? (direction === 'forwards' ? 'start' : 'end'))
  return {
    options: {
      ...(stream === '$all' ? { all: start } : { stream: { streamIdentifier: identifier(stream), ...start } }),
      readDirection: direction === 'forwards' ? 0 : 1,
      resolveLinks,
      ...(subscription ? { subscription: {} } : { count }),
      ...filterOption(filter),
      uuidOption: uuid === 'string' ? { string: {} } : { structured: {} },
      ...(compatibility !== undefined && { controlOption: { compatibility } }),
      ...raw,
    },
  }
}

export function streams({ connection, schema, isOwn, event, id }: Parts) {
  const proposed = (events: Events) => (typeof events === 'number' ? Array.from({ length: events }, () => event()) : events)

  const append: Write = (stream, expected, events = 1, options = {}) => {
    const head = { options: { streamIdentifier: identifier(stream), ...expectation(expected) } }
    const messages = [head, ...proposed(events).map((proposedMessage) => ({ proposedMessage }))]
    return connection.clientStream(service, 'Append', options.raw ?? messages, options)
  }

  /** An append over a BatchAppend call of its own: the reply, or { replies, … } when more came or the call broke. */
  const batch: Write = async (stream, expected, events = 1, options = {}) => {
    const call = batchStream(options)
    for (const message of options.raw ?? batchMessages(stream, expected, events, options)) call.send(message)
    await call.until((messages, closed) => messages.length > 0 || closed, options.waitMs ?? 10_000)
    await call.until((messages, closed) => messages.length > 1 || closed, options.graceMs ?? 30)
    const outcome = call.closed
    call.cancel()
    const replies = call.messages.map(withoutCorrelation)
    if (replies.length === 1 && !outcome) return replies[0]
    return replies.length ? { replies, ...outcome } : (outcome ?? { timeout: true })
  }

  function batchMessages(stream: string, expected: Expected, events: Events, options: WriteOptions): Outgoing[] {
    const { chunks = 1, deadline, timeout, correlation = id() } = options
    const all = proposed(events)
    const size = Math.max(1, Math.ceil(all.length / chunks))
    return Array.from({ length: chunks }, (_, index) => ({
      correlationId: typeof correlation === 'string' ? { string: correlation } : correlation,
      ...(index === 0 && {
        options: {
          streamIdentifier: identifier(stream),
          ...expectation(expected, 'streamPosition'),
          ...(deadline && { deadline }),
          ...(timeout && { deadlineDuration: timeout }),
        },
      }),
      proposedMessages: all.slice(index * size, (index + 1) * size),
      isFinal: index === chunks - 1,
    }))
  }

  const batchStream = (options: CallOptions = {}) => connection.bidi(service, 'BatchAppend', { ...options, receive: withDetails })

  function withDetails(reply: Wire): Wire {
    if (!reply.error) return reply
    const { code, message, details } = reply.error
    if (!details) return { ...reply, error: { code: codeName(code), text: message } }
    const shape = schema.details[details.typeUrl.split('/').at(-1)]
    const { message: reason, ...value } = shape ? decode(shape, toBytes(details.value)) : { undecoded: details.value }
    const text = reason ? `${message}: ${reason}` : message
    return { ...reply, error: { code: codeName(code), text, details: { typeUrl: details.typeUrl, value } } }
  }

  async function read(stream: string, options: ReadOptions = {}): Promise<Read> {
    const inbox = connection.serverStream(service, 'Read', readOptions(stream, options, false), options)
    const outcome = await inbox.outcome(options.waitMs ?? 20_000)
    inbox.cancel()
    const messages = stream === '$all' && !options.everyone ? inbox.messages.filter(isOwn) : inbox.messages
    const events = messages.filter((message) => message.event).map((message) => message.event)
    const result = { messages, ...(outcome.ended ? {} : outcome) }
    return Object.defineProperty(result, 'events', { value: events })
  }

  function subscribe(stream: string, options: ReadOptions = {}) {
    const receive = (message: Wire) => (stream !== '$all' || options.everyone || isOwn(message) ? message : undefined)
    return connection.serverStream(service, 'Read', readOptions(stream, options, true), { ...options, receive })
  }

  const remove =
    (name: string) =>
    (stream: string, expected: Expected = 'any', options: CallOptions = {}): Promise<Wire> =>
      connection.unary(service, name, { options: { streamIdentifier: identifier(stream), ...expectation(expected) } }, options)

  /** `metadata` is an object, or a text that is sent as it stands. `event` says more about the event that carries it. */
  function setMetadata(
    stream: string,
    expected: Expected,
    metadata: object | string,
    options: WriteOptions & { readonly event?: EventFields } = {},
  ): Promise<Wire> {
    const data = typeof metadata === 'string' ? metadata : JSON.stringify(metadata)
    return append(`$$${stream}`, expected, [event({ type: '$metadata', data, ...options.event })], options)
  }

  return {
    append,
    batch,
    batchStream,
    read,
    readAll: (options?: ReadOptions) => read('$all', options),
    subscribe,
    delete: remove('Delete'),
    tombstone: remove('Tombstone'),
    setMetadata,
  }
}

/** A reply to BatchAppend without the id that only serves to find it. */
export const withoutCorrelation = ({ correlationId, ...reply }: Wire): Wire => reply

/**
 * What matters of a read in one line each: `<type>@<revision> <stream>`, ` via <link>` when resolved, the kind of other
 * messages, and the error at the end.
 */
export function brief(result: readonly Wire[] | Pick<Read, 'messages' | 'error'>): (string | undefined)[] {
  const { messages, error } = 'messages' in result ? result : { messages: result, error: undefined }
  const name = ({ metadata, streamRevision, streamIdentifier }: Wire) =>
    `${metadata.type}@${streamRevision} ${streamIdentifier?.streamName}`
  const lines = messages.map(({ event: read, ...other }) => {
    if (!read) return kind(other)
    if (!read.event) return `nothing via ${name(read.link)}`
    return read.link ? `${name(read.event)} via ${name(read.link)}` : name(read.event)
  })
  return error ? [...lines, error.exception ?? error.code] : lines
}
