import type { ServerResponse } from 'node:http'
import type { Face, Sink } from './feeds.ts'

/** Server-sent events (WHATWG HTML, 9.2): the position is the id, so that browsers say by themselves where they were. */
export const sseFace: Face<Buffer> = {
  name: 'sse',
  encode: (events) => Buffer.from(events.map(({ position, text }) => `id: ${position}\ndata: ${text}\n\n`).join('')),
}

export const sseType = 'text/event-stream'

/** Beside those of every answer. Proxies are told to pass on what comes when it comes. */
export const sseHeaders = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' } as const

const retryMs = 1000

/** Begins the stream: heads the response and takes over its connection, whose end is the end of the body. */
export function sseSink(response: ServerResponse, head: string[]): Sink<Buffer> {
  // Not in chunks, so that what is written is the same bytes for all who listen.
  response.useChunkedEncodingByDefault = false
  response.writeHead(200, head)
  response.write(`retry: ${retryMs}\n\n`)
  const socket = response.socket!
  return {
    face: sseFace,
    write: (encoded) => socket.write(encoded),
    // An id without data is kept by the client and shown to nobody.
    alive: (position) => void socket.write(`id: ${position}\n\n`),
    onRoom: (wake) => void socket.on('drain', wake),
  }
}
