/** What a process has opened and set going. It ends in the opposite order, once. */
export interface Lifetime {
  /** Resolves when something has failed without which the rest is of no use. Never rejects. */
  readonly failed: Promise<Error>
  fail(error: Error): void
  /** Called at the end. */
  atEnd(close: () => void | Promise<void>): void
  /** Something that runs until the end: its signal is aborted then, and it is waited for. If it throws before, that is a failure. */
  background(name: string, run: (signal: AbortSignal) => Promise<void>): void
  end(): Promise<void>
}

export function lifetime(): Lifetime {
  const stack = new AsyncDisposableStack()
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  return {
    failed,
    fail,
    atEnd: (close) => stack.defer(close),
    background(name, run) {
      const controller = new AbortController()
      const running = run(controller.signal).catch((error) =>
        fail(new Error(`${name} has failed: ${error.message}`, { cause: error })),
      )
      stack.defer(() => {
        controller.abort()
        return running
      })
    },
    end: () => stack.disposeAsync(),
  }
}
