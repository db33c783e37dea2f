// Persistent subscriptions service over one connection of one scenario.
import type { Outgoing, Wire } from './codec.ts'
import type { CallOptions, Connection } from './connection.ts'
import { type Filter, type From, filterOption, identifier, type Long, startOption } from './streams.ts'

/** Fields of the request's settings; `strategy` names what `namedConsumerStrategy` has as a number. */
export interface Settings {
  readonly strategy?: keyof typeof strategies
  readonly namedConsumerStrategy?: number
  readonly consumerStrategy?: string
  readonly resolveLinks?: boolean
  readonly extraStatistics?: boolean
  readonly messageTimeoutMs?: number | undefined
  readonly messageTimeoutTicks?: Long
  readonly maxRetryCount?: number
  readonly checkpointAfterMs?: number | undefined
  readonly checkpointAfterTicks?: Long
  readonly minCheckpointCount?: number
  readonly maxCheckpointCount?: number
  readonly maxSubscriberCount?: number
  readonly liveBufferSize?: number
  readonly readBatchSize?: number
  readonly historyBufferSize?: number
}

/**
 * `encoding`: 'old' is what the Node client sends for streams, 'new' the later form. `filter`: undefined says that there is
 * none, null says nothing about it (as an update must).
 */
export interface GroupOptions extends CallOptions {
  readonly from?: From | undefined
  readonly filter?: Filter | null | undefined
  readonly encoding?: 'old' | 'new'
}

/** `name` is the name of the connection. */
export interface ConnectOptions extends CallOptions {
  readonly bufferSize?: number
  readonly uuid?: 'string' | 'structured'
  readonly name?: string
}

const service = 'persistent_subscriptions.PersistentSubscriptions'
const maxUint64 = 18446744073709551615n
const actions = { unknown: 0, park: 1, retry: 2, skip: 3, stop: 4 }
const strategies = { DispatchToSingle: 0, RoundRobin: 1, Pinned: 2 }

export const defaultSettings = {
  resolveLinks: false,
  extraStatistics: false,
  messageTimeoutMs: 30_000,
  maxRetryCount: 10,
  checkpointAfterMs: 2_000,
  minCheckpointCount: 10,
  maxCheckpointCount: 1_000,
  maxSubscriberCount: 0,
  liveBufferSize: 500,
  readBatchSize: 20,
  historyBufferSize: 500,
  namedConsumerStrategy: strategies.RoundRobin,
}

const source = (stream: string): Outgoing => (stream === '$all' ? { all: {} } : { streamIdentifier: identifier(stream) })

export function persistent(connection: Connection) {
  function define(stream: string, group: string, given: Settings, { from = 'start', filter, encoding = 'old' }: GroupOptions) {
    const { strategy, ...rest } = given
    const settings = { ...defaultSettings, ...rest, ...(strategy && { namedConsumerStrategy: strategies[strategy] }) }
    const start = startOption(from)
    if (stream === '$all') {
      return { options: { all: { ...start, ...(filter !== null && filterOption(filter)) }, groupName: group, settings } }
    }
    if (encoding === 'new')
      return { options: { stream: { streamIdentifier: identifier(stream), ...start }, groupName: group, settings } }
    const revision = from === 'start' ? 0n : from === 'end' ? maxUint64 : from
    return { options: { streamIdentifier: identifier(stream), groupName: group, settings: { ...settings, revision } } }
  }

  const call = (name: string, object: Outgoing, options?: CallOptions) => connection.unary(service, name, object, options)
  const created: (readonly [stream: string, group: string])[] = []

  return {
    async create(stream: string, group: string, settings: Settings = {}, options: GroupOptions = {}): Promise<Wire> {
      const answer = await call('Create', define(stream, group, settings, options), options)
      if (!answer.error) created.push([stream, group])
      return answer
    },
    /** Groups left behind make every later change of any group slower on a real server. */
    removeAll: () =>
      Promise.all(created.map(([stream, group]) => call('Delete', { options: { ...source(stream), groupName: group } }))),
    update: (stream: string, group: string, settings: Settings = {}, options: GroupOptions = {}): Promise<Wire> =>
      call('Update', define(stream, group, settings, { filter: null, ...options }), options),
    delete: (stream: string, group: string, options?: CallOptions): Promise<Wire> =>
      call('Delete', { options: { ...source(stream), groupName: group } }, options),
    info: (stream: string, group: string, options?: CallOptions): Promise<Wire> =>
      call('GetInfo', { options: { ...source(stream), groupName: group } }, options),
    /** The groups of a stream, or all there are. */
    list(stream?: string, options?: CallOptions): Promise<Wire> {
      if (stream === undefined) return call('List', { options: { listAllSubscriptions: {} } }, options)
      const listForStream = stream === '$all' ? { all: {} } : { stream: identifier(stream) }
      return call('List', { options: { listForStream } }, options)
    },
    /** `stopAt`: the first parked revision that is left. */
    replayParked(
      stream: string,
      group: string,
      { stopAt, ...options }: CallOptions & { readonly stopAt?: number } = {},
    ): Promise<Wire> {
      const limit = stopAt === undefined ? { noLimit: {} } : { stopAt }
      return call('ReplayParked', { options: { ...source(stream), groupName: group, ...limit } }, options)
    },
    restart: (options?: CallOptions): Promise<Wire> => call('RestartSubsystem', {}, options),

    /** `ack` and `nack` take ids as texts or as messages, events as received, and lists of these. */
    connect(stream: string, group: string, { bufferSize = 10, uuid = 'string', name, metadata, ...options }: ConnectOptions = {}) {
      const headers = { ...(name && { 'connection-name': name }), ...metadata }
      const call = connection.bidi(service, 'Read', { ...options, metadata: headers })
      const uuidOption = uuid === 'string' ? { string: {} } : { structured: {} }
      call.send({ options: { ...source(stream), groupName: group, bufferSize, uuidOption } })
      return Object.assign(call, {
        ack: (...ids: Wire[]) => call.send({ ack: { ids: ids.flat().map(toUuid) } }),
        nack: (action: keyof typeof actions, ids: Wire, reason = '') =>
          call.send({ nack: { ids: [ids].flat().map(toUuid), action: actions[action], reason } }),
      })
    },
  }
}

// A text, a UUID message, or an event as received: the id of the link when there is one.
function toUuid(item: Wire): Outgoing {
  if (typeof item === 'string') return { string: item }
  const read = item.event?.event || item.event?.link ? item.event : item
  return (read.link ?? read.event)?.id ?? item
}
