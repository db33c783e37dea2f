import type { EventStore } from '../commands/ports.ts'

/**
 * The points at which a crash test may end this process, by kill -9: told the name of each, it does nothing, unless `setting` (of
 * DUXNET_FAIL_POINT) names it, as `name` or `name:n`; then it does not come back from the nth time. Undefined without a setting.
 */
export function failPoints(setting: string | undefined): ((name: string) => void) | undefined {
  if (!setting) return undefined
  const [, point, nth = '1'] = setting.match(/^(.*?)(?::(\d+))?$/)!
  let left = Number(nth)
  return (name) => {
    if (name !== point || --left > 0) return
    process.kill(process.pid, 'SIGKILL')
    // The signal may take a moment; what comes next must not happen.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  }
}

/** A store that reaches `appended <type of the first event>` when events are durable and nobody knows it yet. */
export function withFailPoints(store: EventStore, reached: (name: string) => void): EventStore {
  return {
    ...store,
    async append(stream, expected, events) {
      const appended = await store.append(stream, expected, events)
      reached(`appended ${events[0]?.type}`)
      return appended
    },
  }
}
