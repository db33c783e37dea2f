import { after, Late } from './within.ts'

/** A read or a subscription of the client, pulled: `read` until it has nothing, then `more`. */
export interface Source<T> {
  /** The next item that is here already; null when there is none. */
  read(): T | null
  /**
   * Waits until there may be something to read, the stream has ended, or nothing came for `ms`. Throws what the stream failed
   * with, and the reason of the signal that was aborted.
   */
  more(ms: number): Promise<'items' | 'end' | 'silence'>
  /** Frees the stream and the call behind it. */
  close(): void
}

/** What the client returns for a read or a subscription: a Node stream of objects. */
interface ClientStream {
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end' | 'readable', listener: () => void): unknown
  read(): unknown
  destroy(): unknown
}

/**
 * Takes over a stream of the client. It is closed at once when one of `signals` is aborted, also while its reader is busy elsewhere.
 * An async iterator would do the same at a cost of its own an event, does not end when its call is cancelled, and cannot wait with a limit.
 */
export function open<T>(stream: ClientStream, cancel: () => Promise<void>, signals: readonly AbortSignal[]): Source<T> {
  let failure: { readonly error: unknown } | undefined
  let ended = false
  let closed = false
  let waiting: { readonly until: number; wake(why: 'items' | 'silence'): void } | undefined
  let stopClock: (() => void) | undefined

  function wake(why: 'items' | 'silence' = 'items'): void {
    const woken = waiting
    waiting = undefined
    woken?.wake(why)
  }

  /** One timer goes on from wait to wait: while events pour in there are thousands of waits a second. */
  function startClock(ms: number): void {
    stopClock ??= after(ms, () => {
      stopClock = undefined
      if (!waiting) return
      const left = waiting.until - performance.now()
      if (left > 0) startClock(left)
      else wake('silence')
    })
  }

  // The listener stays for ever: the call reports its own cancellation, and an 'error' nobody listens to ends the process.
  stream.on('error', (error) => {
    failure ??= { error }
    wake()
  })
  stream.on('end', () => {
    ended = true
    wake()
  })
  stream.on('readable', wake)

  const aborted = () => {
    failure = { error: signals.find((signal) => signal.aborted)!.reason }
    close()
    wake()
  }
  for (const signal of signals) signal.addEventListener('abort', aborted)
  if (signals.some((signal) => signal.aborted)) aborted()

  function close(): void {
    if (closed) return
    closed = true
    stopClock?.()
    for (const signal of signals) signal.removeEventListener('abort', aborted)
    // Where the call could not even be made there is nothing to cancel. One that was only about to be made grpc-js makes all the same,
    // after its end, and it would stay open as long as the connection: it is cancelled once more when it is there.
    cancel().catch(() => {})
    setImmediate(() => void cancel().catch(() => {}))
    stream.destroy()
  }

  return {
    read: () => (closed ? null : (stream.read() as T | null)),
    async more(ms) {
      if (failure) throw failure.error
      if (ended || closed) return 'end'
      startClock(ms)
      const why = await new Promise<'items' | 'silence'>((resolve) => {
        waiting = { until: performance.now() + ms, wake: resolve }
      })
      if (failure) throw (failure as { readonly error: unknown }).error
      return why
    },
    close,
  }
}

/** All that a source gives until it ends; then it is closed. Throws `Late` when nothing comes for `ms`, and what the source throws. */
export async function* items<T>(source: Source<T>, ms: number): AsyncGenerator<T> {
  try {
    for (;;) {
      const item = source.read()
      if (item !== null) {
        yield item
        continue
      }
      const now = await source.more(ms)
      if (now === 'end') return
      if (now === 'silence') throw new Late(ms)
    }
  } finally {
    source.close()
  }
}
