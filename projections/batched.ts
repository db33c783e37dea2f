/**
 * Look-ups that are asked for while others are under way go to `load` together: under load a statement serves many requests.
 * What is asked for together is answered together, so every answer is of a snapshot taken after it was asked for.
 */
export function batched<Key, Result>(load: (keys: readonly Key[]) => Promise<(key: Key) => Result>): (key: Key) => Promise<Result> {
  interface Waiting {
    readonly key: Key
    resolve(result: Result): void
    reject(error: unknown): void
  }
  const waiting: Waiting[] = []
  let running = 0
  let planned = false

  function plan(): void {
    if (planned || running === concurrency || !waiting.length) return
    planned = true
    // Behind whatever else this turn of the event loop brings.
    setImmediate(() => {
      planned = false
      void run(waiting.splice(0, batchMax))
      plan()
    })
  }

  async function run(batch: readonly Waiting[]): Promise<void> {
    running += 1
    try {
      const resultOf = await load([...new Set(batch.map(({ key }) => key))])
      for (const { key, resolve } of batch) resolve(resultOf(key))
    } catch (error) {
      for (const { reject } of batch) reject(error)
    } finally {
      running -= 1
      plan()
    }
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject })
      plan()
    })
}

/** Two: while the server works on one statement, the next is gathered and sent. */
const concurrency = 2
const batchMax = 500
