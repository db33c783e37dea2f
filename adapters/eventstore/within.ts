/** Nothing came within the time allowed. */
export class Late extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`)
    this.name = 'Late'
  }
}

/** `promise`, or a rejection with `Late` after `ms`; then `promise` goes on unheard. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => reject(new Late(ms)))
    promise.then(resolve, reject).finally(cancel)
  })
}

/**
 * Calls `late` after `ms`, unless cancelled. A busy event loop runs timers before it reads its sockets, so that after a long turn an
 * answer that came in time would count as late: it is given one more turn to be read.
 */
export function after(ms: number, late: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    immediate = setImmediate(late)
  }, ms)
  return () => {
    clearTimeout(timer)
    clearImmediate(immediate)
  }
}

/** Resolves after `ms`, or when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
