import type { ServerResponse } from 'node:http'
import type { Face, Sink } from './feeds.ts'
import { TooSlow } from './feeds.ts'

/** Server-sent events (WHATWG HTML, 9.2): the position is the id, so that browsers say by themselves where they were. */
export const sseFace: Face<Buffer> = {
  name: 'sse',
  encode: (events) => Buffer.from(events.map(({ position, text }) => `id: ${position}\ndata: ${text}\n\n`).join('')),
}

export const sseType = 'text/event-stream'

/** Beside those of every answer. Proxies are told to pass on what comes when it comes. */
export const sseHeaders = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' } as const

/** How long a listener's connection may take nothing. */
const patienceMs = 30_000
const retryMs = 1000

/** Begins the stream on a response whose head has been written. */
export function sseSink(response: ServerResponse, patience = patienceMs): Sink<Buffer> {
  response.write(`retry: ${retryMs}\n\n`)
  return {
    face: sseFace,
    write: (encoded) => (response.write(encoded) ? undefined : drained(response, patience)),
    // An id without data is kept by the client and shown to nobody.
    alive: (position) => void response.write(`id: ${position}\n\n`),
  }
}

/** Until what was written has gone to the system, or the connection ended. Throws `TooSlow`. */
function drained(response: ServerResponse, patience: number): Promise<void> {
  return new Promise((resolve, reject) => {
    // It says only once that it has ended.
    if (response.destroyed) return resolve()
    const done = (error?: Error) => {
      clearTimeout(timer)
      response.off('drain', room)
      response.off('close', room)
      error ? reject(error) : resolve()
    }
    const room = () => done()
    const timer = setTimeout(() => done(new TooSlow()), patience)
    response.on('drain', room)
    response.on('close', room)
  })
}
