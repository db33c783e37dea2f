import { type RelayMessage, RelayRefused, type RelaySource, type RelayTarget } from './relay-ports.ts'

/** How the relay does, for metrics and for people. */
export interface RelayStanding {
  readonly state: 'waiting' | 'relaying' | 'refused'
  /** Events of the read model that the stream has not stored. */
  readonly behind: number | undefined
  /** Why it does not relay. */
  readonly detail: string | undefined
}

export interface RelayOptions {
  readonly source: RelaySource
  readonly target: RelayTarget
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly onPublished: (events: number) => void
  readonly onStanding: (standing: RelayStanding) => void
  /** Told of everything that makes it wait. */
  readonly onError: (error: Error) => void
}

export interface Relay {
  /** The read model of the log moved. */
  moved(): void
  /** Undefined while it does not run here. */
  standing(): RelayStanding | undefined
  /** Until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

/** Published and not yet stored. */
const window = { messages: 2048, characters: 4 * 1024 * 1024 }
const pageMax = 500
/** The read model may be moved by another process, which wakes nobody here. */
const lookMs = 250
const retryMs = { first: 100, last: 5000, refused: 5000 }

/**
 * Publishes the log as it is, from wherever the stream is: its own last sequence is the only place that counts. A checkpoint of ours could only
 * be wrong: behind, and events would be sent twice; ahead, where the stream lost what it had acknowledged (nats-server#7564), and they would be missing.
 */
export function createRelay({ source, target, sleep, onPublished, onStanding, onError }: RelayOptions): Relay {
  let standing: RelayStanding | undefined
  let wake: (() => void) | undefined

  function stand(now: RelayStanding | undefined): void {
    standing = now
    if (now) onStanding(now)
  }

  async function run(signal: AbortSignal): Promise<void> {
    let delay = retryMs.first
    stand({ state: 'waiting', behind: undefined, detail: 'not connected yet' })
    while (!signal.aborted) {
      try {
        const from = await placeOf(source, target)
        delay = retryMs.first
        await relayFrom(from, signal)
      } catch (error) {
        if (signal.aborted) break
        const reason = error as Error
        const refused = reason instanceof RelayRefused
        stand({ state: refused ? 'refused' : 'waiting', behind: standing?.behind, detail: reason.message })
        onError(reason)
        await sleep(refused ? retryMs.refused : delay, signal)
        delay = Math.min(delay * 2, retryMs.last)
      }
    }
    standing = undefined
  }

  /** Publishes from index `from` on. Ends when `signal` is aborted; throws when a publish failed, after all that were under way are known. */
  async function relayFrom(from: number, signal: AbortSignal): Promise<void> {
    const flight = createFlight(target)
    let next = from
    let ahead: Promise<readonly RelayMessage[]> | undefined
    let last: RelayMessage | undefined
    try {
      while (!signal.aborted && !flight.failure()) {
        const page = await (ahead ?? source.after(next, pageMax))
        ahead = undefined
        if (page.length && page[0]!.index !== next) throw new Error(`the read model of the log lacks event ${next}`)
        if (!page.length) {
          await flight.idle()
          if (flight.failure()) break
          stand({ state: 'relaying', behind: 0, detail: undefined })
          await sameLog(source, last)
          await rest(signal)
          continue
        }
        // Read while the page before is published.
        if (page.length === pageMax) {
          ahead = source.after(next + pageMax, pageMax)
          ahead.catch(() => {})
        }
        for (const message of page) {
          if (flight.isFull()) await flight.room()
          if (signal.aborted || flight.failure()) break
          flight.add(message, () => onPublished(1))
          last = message
          next = message.index + 1
        }
        stand({ state: 'relaying', behind: (await source.nextIndex()) - next + flight.size(), detail: undefined })
      }
    } finally {
      await flight.idle()
    }
    const failure = flight.failure()
    if (failure) throw failure
  }

  /** Until the read model moves, or it is time to look. */
  async function rest(signal: AbortSignal): Promise<void> {
    const stop = new AbortController()
    wake = () => stop.abort()
    await sleep(lookMs, AbortSignal.any([signal, stop.signal]))
    wake = undefined
  }

  return { moved: () => wake?.(), standing: () => standing, run }
}

/** Where to go on. Throws `RelayRefused` when the stream holds another log than ours. */
async function placeOf(source: RelaySource, target: RelayTarget): Promise<number> {
  const { next, lastEventId } = await target.place()
  const known = await source.nextIndex()
  if (next > known)
    throw new RelayRefused(`the stream holds ${next} events, the log only ${known}: it is another log's, or this one was cut`)
  if (next > 0 && lastEventId !== undefined) {
    const [message] = await source.after(next - 1, 1)
    if (message?.eventId !== lastEventId)
      throw new RelayRefused(`the stream's event ${next} is ${lastEventId}, the log's is ${message?.eventId}: it is another log's`)
  }
  return next
}

/** Throws when the read model is of another log than it was. */
async function sameLog(source: RelaySource, last: RelayMessage | undefined): Promise<void> {
  if (!last) return
  const [message] = await source.after(last.index, 1)
  if (message?.eventId !== last.eventId) throw new Error('the read model is of another log than before')
}

/** Messages under way. */
function createFlight(target: RelayTarget) {
  let messages = 0
  let characters = 0
  let failure: Error | undefined
  let waiting: (() => void)[] = []

  const isFull = () => messages >= window.messages || (messages > 0 && characters >= window.characters)
  const changed = async (until: () => boolean) => {
    while (!until()) await new Promise<void>((resolve) => waiting.push(resolve))
  }

  return {
    size: () => messages,
    isFull,
    failure: () => failure,
    room: () => changed(() => failure !== undefined || !isFull()),
    idle: () => changed(() => messages === 0),
    add(message: RelayMessage, stored: () => void): void {
      messages += 1
      characters += message.body.length
      const landed = () => {
        messages -= 1
        characters -= message.body.length
        if (!waiting.length) return
        const woken = waiting
        waiting = []
        for (const wake of woken) wake()
      }
      target.publish(message).then(
        () => {
          stored()
          landed()
        },
        (error: Error) => {
          failure ??= error
          landed()
        },
      )
    },
  }
}
