import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Whatever is there, up to about `max` at a time; waits while nothing is. What came before a failure is still handed out. Between one batch
 * and the next are `restMs` at least, unless as much as fits is there: what has a cost a batch is then shared by more of a steady stream,
 * and what comes after some quiet waits for nothing.
 */
export async function* batches<Item>(source: AsyncIterable<Item>, max: number, restMs = 0): AsyncGenerator<Item[]> {
  let gathered: Item[] = []
  const end: { reached: boolean; error?: unknown } = { reached: false }
  let left = false
  let wakeReader = () => {}
  let wakeGatherer = () => {}

  async function gather(): Promise<void> {
    try {
      for await (const item of source) {
        gathered.push(item)
        wakeReader()
        if (gathered.length >= max) await new Promise<void>((resolve) => (wakeGatherer = resolve))
        if (left) return
      }
    } catch (error) {
      end.error = error
    }
    end.reached = true
    wakeReader()
  }

  void gather()
  let rested: Promise<void> | undefined
  try {
    for (;;) {
      if (gathered.length) {
        if (gathered.length < max) await rested
        const batch = gathered
        gathered = []
        wakeGatherer()
        yield batch
        if (restMs > 0) rested = sleep(restMs)
      } else if (!end.reached) await new Promise<void>((resolve) => (wakeReader = resolve))
      else if (end.error === undefined) return
      else throw end.error
    }
  } finally {
    // Who leaves early also ends the source, by its own signal: it may be waiting and not notice this.
    left = true
    wakeGatherer()
  }
}
