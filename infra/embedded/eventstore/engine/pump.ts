import type { Call } from '../grpc/call.ts'
import type { Page } from '../wire/page.ts'

/** What a source says after it added to a page. */
export type Progress =
  /** There is more to read. */
  | 'more'
  /** Nothing more now; whoever made the source calls `wake` of the pump when there is. */
  | 'waiting'
  /** Nothing more ever: the call ends with OK. A source that wants another ending throws it. */
  | 'done'

/** Adds messages to a page until it is full, or a while has passed, or there is nothing more. */
export type Source = (page: Page) => Progress

/**
 * Moves pages from a source to a call, no faster than its client takes them: at most one page waits in memory.
 * Answers the function that wakes a source that was waiting.
 */
export function pump(call: Call, page: Page, source: Source): () => void {
  let state: 'running' | 'draining' | 'waiting' = 'waiting'

  function run(): void {
    if (call.ended) return
    let progress: Progress
    let failure: unknown
    try {
      progress = source(page)
    } catch (error) {
      progress = 'done'
      failure = error
    }
    const flows = page.isEmpty || call.write(page.take())
    if (failure !== undefined) call.fail(failure)
    else if (progress === 'done') call.end()
    else if (!flows) state = 'draining'
    else if (progress === 'waiting') state = 'waiting'
    else setImmediate(run)
  }

  call.onDrain = () => {
    if (state !== 'draining') return
    state = 'running'
    run()
  }

  return () => {
    if (state !== 'waiting') return
    state = 'running'
    run()
  }
}
