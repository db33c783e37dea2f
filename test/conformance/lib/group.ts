// A persistent subscription group as a scenario handles it: one event source, one name, short calls.
// Unlike the official client's default a group here starts from the start, and requests use the newer encoding.
import type { Wire } from './codec.ts'
import type { CallOptions } from './connection.ts'
import type { ConnectOptions, GroupOptions, Settings } from './persistent.ts'
import type { Toolkit } from './toolkit.ts'

/** Settings and the rest of a request in one object. */
export interface GroupRequest extends Settings, Pick<GroupOptions, 'from' | 'filter' | 'encoding' | 'as'> {}

/** `buffer`: how many messages may be open at a time. */
export interface ConsumerOptions extends Omit<ConnectOptions, 'bufferSize'> {
  readonly buffer?: number
}

export type Group = ReturnType<typeof groupOn>
export type Consumer = Awaited<ReturnType<typeof consumer>>

export const maxRevision = '18446744073709551615'

export function groupOn(t: Toolkit, stream: string, hint = 'group') {
  const name = t.group(hint)
  const parts = ({ from, filter, encoding = 'new', as, ...settings }: GroupRequest) => ({
    settings,
    options: { from, filter, encoding, as },
  })

  const group = {
    name,
    stream,
    key: `${stream}::${name}`,
    parkedStream: `$persistentsubscription-${stream}::${name}-parked`,
    checkpointStream: `$persistentsubscription-${stream}::${name}-checkpoint`,

    create(request: GroupRequest = {}): Promise<Wire> {
      const { settings, options } = parts(request)
      return t.persistent.create(stream, name, settings, options)
    },
    update(request: GroupRequest = {}): Promise<Wire> {
      const { settings, options } = parts({ ...request, filter: null })
      return t.persistent.update(stream, name, settings, options)
    },
    remove: (options?: CallOptions) => t.persistent.delete(stream, name, options),
    replay: (options?: CallOptions & { readonly stopAt?: number }) => t.persistent.replayParked(stream, name, options),
    connect: (options?: ConsumerOptions) => consumer(t, stream, name, options),

    async info(options?: CallOptions): Promise<Wire> {
      const answer = await t.persistent.info(stream, name, options)
      return answer.subscriptionInfo ?? answer
    },
    /** The info once it satisfies the predicate, or as it is when time has run out. */
    infoWhen(predicate: (info: Wire) => boolean, ms?: number): Promise<Wire> {
      return t.eventually(group.info, predicate, ms)
    },
    parked: async (): Promise<Wire[]> => (await t.read(group.parkedStream)).events.map(({ event }) => event),
    /** The parked events once there are that many: parking goes on after the nack has been sent. */
    parkedWhen(count: number): Promise<Wire[]> {
      return t.eventually(group.parked, (parked) => parked.length >= count)
    },
  }
  return group
}

async function consumer(t: Toolkit, stream: string, groupName: string, { buffer = 10, ...options }: ConsumerOptions = {}) {
  const inbox = t.persistent.connect(stream, groupName, { bufferSize: buffer, ...options })
  await inbox.until((messages, closed) => messages.length > 0 || closed)

  let taken = 0
  const events = () => inbox.messages.filter((message) => message.event).map(({ event }) => event)
  const take = (count: number): Wire[] => {
    const fresh = events().slice(taken, taken + count)
    taken += fresh.length
    return fresh
  }

  return {
    inbox,
    first: (): Wire => inbox.messages[0] ?? inbox.closed,
    confirmed: () => inbox.messages[0]?.subscriptionConfirmation !== undefined,
    /** The next events: as many as asked for, fewer when no more come within `ms`. */
    async take(count: number, ms = 5_000): Promise<Wire[]> {
      await inbox.until((_, closed) => events().length - taken >= count || closed, ms)
      return take(count)
    },
    /** Whatever has come by the time `ms` have passed: to show that nothing more comes. */
    async others(ms = 400): Promise<Wire[]> {
      await t.sleep(ms)
      return take(Number.POSITIVE_INFINITY)
    },
    ack: inbox.ack,
    nack: inbox.nack,
    outcome: (ms?: number) => inbox.outcome(ms),
    cancel: () => inbox.cancel(),
  }
}

/** A delivered message in one line: which revision of what, through which link, at which attempt. */
export const brief = ({ event, link, retryCount }: Wire) => ({
  ...(event && { event: at(event) }),
  ...(link && { link: at(link) }),
  retry: retryCount,
})
const at = ({ streamRevision, streamIdentifier }: Wire) => `${streamRevision}@${streamIdentifier.streamName}`
export const revisions = (delivered: readonly Wire[]): Wire[] => delivered.map(({ event }) => event?.streamRevision)

/** Those fields of an object. */
export const only = (object: Wire, ...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, object[name]]))

/** Where the real server answers with a failure of its runtime, only the refusal itself counts. */
export const isError = (answer: Wire): boolean => Boolean(answer.error)

/** The reason is text of the real server's runtime: that there is one must suffice. */
export const withoutReason = ({ error, ...answer }: Wire): Wire =>
  error?.trailers?.reason
    ? { error: { ...error, trailers: { ...error.trailers, reason: 'given' } } }
    : { ...answer, ...(error && { error }) }
