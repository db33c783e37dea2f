// A process full of listeners: forked with PORT COUNT SLOW PATH. The first SLOW of them take nothing until they are told `wake`. Told `report`,
// it answers what the others heard: how long after its `time` each message arrived, and whether any was missing.
import { connect, type Socket } from 'node:net'

const [port, count, slow] = process.argv.slice(2, 5).map(Number) as [number, number, number]
const path = process.argv[5]!
const latencyMsMax = 60_000
let latencies = new Uint32Array(latencyMsMax + 1)
let messages = 0
let gaps = 0

const keys = { time: Buffer.from('"time":"'), sequence: Buffer.from('"sequence":"'), position: Buffer.from('"position":"') }
const [timeLength, sequenceLength] = [24, 16]
/** From a time to the position behind it, at most: cut there, a message is looked at again with what comes next. */
const headMax = 400

interface Listener {
  readonly isSlow: boolean
  socket: Socket
  /** Index of the last event heard, and where to resume. */
  last: number
  position: string
}

function listener(isSlow: boolean): Listener & { open(): Promise<void> } {
  let rest: Buffer = Buffer.alloc(0)
  const self = { isSlow, socket: undefined as unknown as Socket, last: -1, position: '', open, take }

  function open(): Promise<void> {
    const from = self.position === '' ? '' : `?from=${self.position}`
    const socket = connect(port, '127.0.0.1')
    self.socket = socket
    rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.write(`GET ${path}${from} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`)
    return new Promise((resolve) => {
      socket.once('data', (chunk) => {
        socket.on('data', take)
        take(chunk)
        if (isSlow && self.position === '') socket.pause()
        resolve()
      })
    })
  }

  function take(chunk: Buffer): void {
    const now = Date.now()
    const data = rest.length ? Buffer.concat([rest, chunk]) : chunk
    let done = 0
    for (let at = data.indexOf(keys.time); at >= 0; at = data.indexOf(keys.time, done)) {
      const sequenceAt = data.indexOf(keys.sequence, at)
      const positionAt = data.indexOf(keys.position, Math.max(at, sequenceAt))
      const end = positionAt < 0 ? -1 : data.indexOf('"', positionAt + keys.position.length)
      if (sequenceAt < 0 || end < 0) break
      const time = Date.parse(data.toString('latin1', at + keys.time.length, at + keys.time.length + timeLength))
      const digits = sequenceAt + keys.sequence.length
      const sequence = Number(data.toString('latin1', digits, digits + sequenceLength))
      if (self.last >= 0 && sequence !== self.last + 1) gaps += 1
      self.last = sequence
      if (isSlow) self.position = data.toString('latin1', positionAt + keys.position.length, end)
      else {
        messages += 1
        latencies[Math.min(latencyMsMax, Math.max(0, now - time))]! += 1
      }
      done = end
    }
    const begun = data.indexOf(keys.time, done)
    rest = begun >= 0 ? data.subarray(begun) : data.subarray(Math.max(done, data.length - headMax))
  }

  return self
}

const listeners = Array.from({ length: count }, (_, n) => listener(n < slow))
for (let at = 0; at < count; at += 50) await Promise.all(listeners.slice(at, at + 50).map(({ open }) => open()))
process.send!('ready')

process.on('message', async (what: 'reset' | 'report' | { readonly wake: number }) => {
  if (what === 'reset') {
    latencies = new Uint32Array(latencyMsMax + 1)
    messages = 0
    return void process.send!('reset')
  }
  if (what === 'report') return void process.send!({ latencies: [...latencies], messages, gaps })
  // The slow take everything now; whoever was cut off goes on after the last that it heard.
  let cutOff = 0
  const behind = () => listeners.filter(({ isSlow, last }) => isSlow && last < what.wake)
  for (const slow of behind()) {
    slow.socket.once('close', () => {
      cutOff += 1
      void slow.open()
    })
    slow.socket.resume()
  }
  for (let waited = 0; behind().length && waited < 60_000; waited += 50) await new Promise((resolve) => setTimeout(resolve, 50))
  process.send!({ behind: behind().length, gaps, cutOff })
})
