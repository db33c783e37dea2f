import { randomUUID } from 'node:crypto'
import { allStream } from '../engine/access.ts'
import { type Filter, filterBy } from '../engine/filter.ts'
import { pump, type Source } from '../engine/pump.ts'
import { allSource, streamSource } from '../engine/sources.ts'
import { allSubscription, streamSubscription } from '../engine/subscriptions.ts'
import type { Call } from '../grpc/call.ts'
import { code, handlerThrew, invalidArgument, Status, streamDeleted } from '../grpc/status.ts'
import type { Store } from '../store.ts'
import { streams as generated } from '../wire/generated.ts'
import { Page, type UuidForm } from '../wire/page.ts'
import { onAccessChange } from './access-changes.ts'

type Options = InstanceType<typeof generated.ReadReq.Options>
type StreamOptions = InstanceType<typeof generated.ReadReq.Options.StreamOptions>
type AllOptions = InstanceType<typeof generated.ReadReq.Options.AllOptions>

const { StreamOptionCase, CountOptionCase, FilterOptionCase } = generated.ReadReq.Options
const maxUint64 = String(2n ** 64n - 1n)
const beyondEverything = 2 ** 64

/** `Streams.Read`: finite reads and subscriptions, of one stream and of `$all`. */
export function read(store: Store): (call: Call) => void {
  return (call) => {
    call.onMessage = (message) => {
      const options = generated.ReadReq.deserializeBinary(message).getOptions()
      if (!options) throw handlerThrew()
      store.access.demand(call.principal, 'read', sourceOf(options))
      checkCombination(options)
      const page = new Page(uuidForm(options))
      if (options.hasSubscription()) subscribe(store, call, options, page)
      else pump(call, page, options.hasStream() ? streamRead(store, options) : allRead(store, options))()
    }
  }
}

function sourceOf(options: Options): string {
  return options.hasStream() ? nameOf(options.getStream()!) : allStream
}

/** Not every combination means something; which do is the first thing EventStoreDB looks at. */
function checkCombination(options: Options): void {
  const source = options.getStreamOptionCase()
  if (source === StreamOptionCase.STREAM_OPTION_NOT_SET) throw invalidArgument('The request names neither a stream nor $all.')
  const ofStream = source === StreamOptionCase.STREAM
  const direction = options.getReadDirection() as number
  const amount = options.getCountOptionCase()
  const filter = options.getFilterOptionCase()
  const isSubscription = amount === CountOptionCase.SUBSCRIPTION
  const isMeaningful =
    amount !== CountOptionCase.COUNT_OPTION_NOT_SET &&
    filter !== FilterOptionCase.FILTER_OPTION_NOT_SET &&
    (direction === 0 || (direction === 1 && !isSubscription)) &&
    !(ofStream && filter === FilterOptionCase.FILTER)
  if (isMeaningful) return
  const words = [
    ofStream ? 'Stream' : 'All',
    ['None', '', 'Count', 'Subscription'][amount === 0 ? 0 : isSubscription ? 3 : 2],
    ['Forwards', 'Backwards'][direction] ?? direction,
    filter === FilterOptionCase.FILTER ? 'Filter' : filter === FilterOptionCase.NO_FILTER ? 'NoFilter' : 'None',
  ]
  throw invalidArgument(`The combination of (${words.join(', ')}) is invalid.`)
}

function uuidForm(options: Options): UuidForm {
  const option = options.getUuidOption()
  if (!option) throw handlerThrew()
  return option.hasString() ? 'string' : 'structured'
}

const nameOf = (options: StreamOptions) => Buffer.from(options.getStreamIdentifier()?.getStreamName_asU8() ?? []).toString('utf8')

function streamName(options: StreamOptions): string {
  const name = nameOf(options)
  if (name === '') throw handlerThrew()
  return name
}

const unreadable = () => new Status(code.unknown, 'Unexpected ReadStreamResult: Error')

function streamRead(store: Store, options: Options): Source {
  const source = options.getStream()!
  const stream = streamName(source)
  const backwards = options.getReadDirection() === 1
  const from = startRevision(source)
  const count = Number(options.getCount())
  if (count === 0 || (from === 'end' && !backwards)) throw unreadable()
  const { committed, limits } = store.streams.get(stream)
  if (isDeleted(store, stream)) throw streamDeleted(stream)
  if (committed.last < 0 || limits.softDeleted || stream.startsWith('$mem-')) {
    return (page) => {
      page.streamNotFound(stream)
      return 'done'
    }
  }
  const revision = from === 'end' ? committed.last : from
  const events = streamSource(store, { stream, from: revision, backwards, count, resolveLinks: options.getResolveLinks() })
  const isCompatible = (options.getControlOption()?.getCompatibility() ?? 0) >= 1
  return isCompatible ? withStreamPositions(events, committed.last, backwards) : events
}

/** Newer clients are told the last revision after the events; and, when a read forwards finds all of them hidden, where the next will be. */
function withStreamPositions(events: Source, last: number, backwards: boolean): Source {
  let isEmpty = true
  return (page) => {
    const progress = events(page)
    if (!page.isEmpty) isEmpty = false
    if (progress !== 'done') return progress
    if (isEmpty && !backwards) page.firstStreamPosition(last + 1)
    page.lastStreamPosition(last)
    return 'done'
  }
}

/** A metadata stream goes with the stream it belongs to. */
function isDeleted(store: Store, name: string): boolean {
  if (store.streams.get(name).committed.tombstoned) return true
  return name.startsWith('$$') && isDeleted(store, name.slice(2))
}

function startRevision(options: StreamOptions): number | 'end' {
  const { RevisionOptionCase } = generated.ReadReq.Options.StreamOptions
  switch (options.getRevisionOptionCase()) {
    case RevisionOptionCase.START:
      return 0
    case RevisionOptionCase.END:
      return 'end'
    case RevisionOptionCase.REVISION:
      return options.getRevision() === maxUint64 ? 'end' : Number(options.getRevision())
    default:
      throw handlerThrew()
  }
}

function startPosition(options: AllOptions): number | 'start' | 'end' {
  const { AllOptionCase } = generated.ReadReq.Options.AllOptions
  switch (options.getAllOptionCase()) {
    case AllOptionCase.START:
      return 'start'
    case AllOptionCase.END:
      return 'end'
    case AllOptionCase.POSITION: {
      const position = options.getPosition()!
      const [commit, prepare] = [position.getCommitPosition(), position.getPreparePosition()]
      if (commit === maxUint64 && prepare === maxUint64) return 'end'
      if (BigInt(prepare) > BigInt(commit)) throw handlerThrew()
      return Number(commit)
    }
    default:
      throw handlerThrew()
  }
}

function allRead(store: Store, options: Options): Source {
  const backwards = options.getReadDirection() === 1
  const start = startPosition(options.getAll()!)
  const filter = filterOf(options)
  if (filter && filter.window === 0) throw invalidArgument('A filter needs a window of at least one event.')
  const end = store.feed.position
  if (backwards && typeof start === 'number' && start > end + 1) throw new Status(code.unknown, 'Unexpected ReadAllResult: Error')
  const from = start === 'start' ? 0 : start === 'end' ? beyondEverything : start
  const count = Number(options.getCount())
  return allSource(store, { from, end, backwards, count, resolveLinks: options.getResolveLinks(), filter: filter?.matches })
}

function filterOf(options: Options): { matches: Filter; window: number; interval: number } | undefined {
  const filter = options.getFilter()
  if (!filter) return undefined
  const property = filter.hasStreamIdentifier() ? 'stream' : filter.hasEventType() ? 'type' : undefined
  if (!property) throw invalidArgument('The filter names neither streams nor event types.')
  if (!filter.hasMax() && !filter.hasCount()) throw invalidArgument('The filter has no window.')
  const window = filter.hasMax() ? filter.getMax() : 32
  const expression = (property === 'stream' ? filter.getStreamIdentifier() : filter.getEventType())!
  const matches = compiled(property, expression.getRegex(), expression.getPrefixList())
  return { matches, window, interval: window * filter.getCheckpointintervalmultiplier() }
}

function compiled(property: 'stream' | 'type', regex: string, prefixes: readonly string[]): Filter {
  try {
    return filterBy(property, regex, prefixes)
  } catch (error) {
    throw new Status(code.unknown, `The filter cannot be read: ${(error as Error).message}`)
  }
}

function subscribe(store: Store, call: Call, options: Options, page: Page): void {
  const source = options.hasStream() ? streamSubscriptionOf(store, options) : allSubscriptionOf(store, options)
  page.confirmation(randomUUID())
  const { principal } = call
  const stream = sourceOf(options)
  const wake = pump(call, page, (page) => {
    store.access.demand(principal, 'read', stream)
    return source.events(page)
  })
  const stops = [source.onMore(wake), onAccessChange(store, principal, stream, wake)]
  call.onClose = () => {
    for (const stop of stops) stop()
  }
  wake()
}

interface Subscription {
  readonly events: Source
  readonly onMore: (wake: () => void) => () => void
}

function streamSubscriptionOf(store: Store, options: Options): Subscription {
  const source = options.getStream()!
  const stream = streamName(source)
  const { RevisionOptionCase } = generated.ReadReq.Options.StreamOptions
  const start = startRevision(source)
  const fromStart = source.getRevisionOptionCase() === RevisionOptionCase.START
  if (isDeleted(store, stream)) throw streamDeleted(stream)
  const after = fromStart ? -1 : start === 'end' ? store.streams.get(stream).committed.last : start
  return {
    events: streamSubscription(store, stream, after, options.getResolveLinks()),
    onMore: (wake) => store.feed.onStream(stream, wake),
  }
}

function allSubscriptionOf(store: Store, options: Options): Subscription {
  const start = startPosition(options.getAll()!)
  const filter = filterOf(options)
  if (filter && filter.interval === 0) throw handlerThrew()
  const after = start === 'start' ? -1 : start === 'end' ? store.feed.position : start
  const subscription = { after, fromEnd: start === 'end', resolveLinks: options.getResolveLinks(), filter }
  return { events: allSubscription(store, store.feed, subscription), onMore: (wake) => store.feed.onAny(wake) }
}
