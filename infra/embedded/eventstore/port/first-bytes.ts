import type { Socket } from 'node:net'

/** What every HTTP/2 client sends first, and no HTTP/1.1 request begins with. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/**
 * Calls `chosen` once the first bytes of a plaintext connection tell HTTP/2 from anything else. The bytes are back in the socket then, which is
 * paused. A connection that leaves this open for longer than `patienceMs` is closed.
 */
export function onFirstBytes(socket: Socket, patienceMs: number, chosen: (isHttp2: boolean) => void): void {
  let seen = Buffer.alloc(0)
  const impatience = setTimeout(() => socket.destroy(), patienceMs)
  socket.once('close', () => clearTimeout(impatience))
  socket.on('data', look)

  function look(chunk: Buffer): void {
    seen = Buffer.concat([seen, chunk])
    const length = Math.min(seen.length, preface.length)
    const isPreface = seen.compare(preface, 0, length, 0, length) === 0
    if (isPreface && length < preface.length) return
    clearTimeout(impatience)
    socket.off('data', look)
    socket.pause()
    socket.unshift(seen)
    chosen(isPreface)
  }
}
