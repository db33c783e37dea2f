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
 * Moves pages from a source to a call, no faster than its client takes them: at most one page is on its way, and the next one is ready,
 * so that the client never waits for it. Answers the function that wakes a source that was waiting.
 */
export function pump(call: Call, page: Page, source: Source): () => void {
  let isWaiting = true
  let isBlocked = false
  /** What the source said of the page that is ready while the one before it is on its way. */
  let ready: { readonly progress: Progress; readonly failure?: unknown } | undefined

  function fill(): void {
    if (call.ended) return
    try {
      ready = { progress: source(page) }
    } catch (failure) {
      ready = { progress: 'done', failure }
    }
    if (!isBlocked) send(ready)
  }

  function send({ progress, failure }: NonNullable<typeof ready>): void {
    const wasHeld = isBlocked
    ready = undefined
    isBlocked = !page.isEmpty && !call.write(page.take())
    if (failure !== undefined) call.fail(failure)
    else if (progress === 'done') call.end()
    else if (progress === 'waiting' && !wasHeld) isWaiting = true
    else setImmediate(fill) // also because nobody was woken while a page was held
  }

  call.onDrain = () => {
    if (ready) send(ready)
    else isBlocked = false
  }

  return () => {
    if (!isWaiting) return
    isWaiting = false
    fill()
  }
}
