import { readRecord } from '../storage/log.ts'
import type { Store } from '../store.ts'
import { parsePlace, placeText } from './place.ts'
import type { Progress } from './progress.ts'
import { checkpointStream, write } from './system-stream.ts'

const type = 'SubscriptionCheckpoint'

/** The place up to which everything was done when a checkpoint was last written; undefined when there is none that can be read. */
export function loadCheckpoint({ log, streams }: Store, stream: string, key: string): number | undefined {
  const { number, committed, limits } = streams.get(checkpointStream(key))
  if (number === undefined || limits.softDeleted || committed.last < 0) return undefined
  const event = readRecord(log, log.positionOf(number, committed.last)!)!
  try {
    return parsePlace(stream, String(JSON.parse(event.data.toString('utf8'))))
  } catch {
    return undefined // then the group begins where it was told to begin
  }
}

/** Writes checkpoints when they are due, one after another. */
export class Checkpoints {
  readonly #store: Store
  readonly #stream: string
  readonly #key: string
  readonly #progress: Progress
  readonly #now: () => number
  #isWriting = false
  #newest: number | undefined

  constructor(store: Store, stream: string, key: string, progress: Progress, now: () => number) {
    this.#store = store
    this.#stream = stream
    this.#key = key
    this.#progress = progress
    this.#now = now
    this.#newest = progress.reached?.place
  }

  /** The one that is stored. */
  get newest(): number | undefined {
    return this.#newest
  }

  /** Calls `written` when another one may be due. One that could not be stored is due again at the next look. */
  write(isCheck: boolean, written: () => void): void {
    if (this.#isWriting) return
    const reached = this.#progress.due(this.#now(), isCheck)
    if (!reached) return
    this.#isWriting = true
    const data = Buffer.from(JSON.stringify(placeText(this.#stream, reached.place)))
    write(this.#store, checkpointStream(this.#key), [{ type, isJson: true, data }], (error) => {
      this.#isWriting = false
      if (error) return
      this.#newest = reached.place
      this.#progress.written(reached, this.#now())
      written()
    })
  }
}
