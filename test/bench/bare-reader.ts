import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Contestant, expectCount } from './harness.ts'

/** What any reader of an export has to do; events a second. */
export function bareReader(path: string, events: number): Contestant<number> {
  return {
    name: 'bare: readline and JSON.parse',
    async round() {
      const started = performance.now()
      let count = 0
      for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY }))
        if ('event' in JSON.parse(line)) count++
      const seconds = (performance.now() - started) / 1000
      expectCount('events read', count, events)
      return count / seconds
    },
  }
}
