import { StoreUnavailable } from './ports.ts'

/** More commands wait for one stream than are let wait; nothing was written. */
export class StreamBusy extends StoreUnavailable {
  constructor(stream: string) {
    super(`too many commands for ${stream} at once`)
    this.name = 'StreamBusy'
  }
}

/**
 * Lets one task at a time through for each key, the others in their order: callers in one process never fight over a stream's
 * next revision. Throws `StreamBusy` when `waitingMax` wait already.
 */
export function createLanes(waitingMax: number): <T>(key: string, task: () => Promise<T>) => Promise<T> {
  const lanes = new Map<string, (() => void)[]>()

  return async (key, task) => {
    const waiting = lanes.get(key)
    if (!waiting) lanes.set(key, [])
    else if (waiting.length >= waitingMax) throw new StreamBusy(key)
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await task()
    } finally {
      const next = lanes.get(key)!.shift()
      if (next) next()
      else lanes.delete(key)
    }
  }
}
