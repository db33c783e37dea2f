// A process full of listeners: forked with PORT COUNT SLOW PATH. The first SLOW of them take nothing until they are told `wake`. Told `report`,
// it answers what the others heard: how long after its `time` each message arrived, and whether any was missing.
import { connect, type Socket } from 'node:net'

const [port, count, slow] = process.argv.slice(2, 5).map(Number) as [number, number, number]
const path = process.argv[5]!
const latencyMsMax = 60_000
let latencies = new Uint32Array(latencyMsMax + 1)
let messages = 0
let gaps = 0

/** All hear the same: what is in a message is looked at by whoever hears it first. */
const known = new Map<string, { readonly time: number; readonly sequence: number }>()
const [end, idField, dataField] = ['\n\n', 'id: ', '\ndata: '].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer]

function read(message: Buffer, id: string): { readonly time: number; readonly sequence: number } {
  const { time, sequence } = JSON.parse(message.toString('utf8', message.indexOf(dataField) + dataField.length))
  const read = { time: Date.parse(time), sequence: Number(sequence) }
  known.set(id, read)
  return read
}

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
        if (isSlow && self.last < 0) socket.pause()
        resolve()
      })
    })
  }

  function take(chunk: Buffer): void {
    const now = Date.now()
    const data = rest.length ? Buffer.concat([rest, chunk]) : chunk
    let done = 0
    for (let at = data.indexOf(end); at >= 0; at = data.indexOf(end, done)) {
      const idAt = data.indexOf(idField, done)
      const line = data.indexOf(10, idAt)
      // What has no id is the head; what has no data tells only where to resume.
      if (idAt >= 0 && line < at) {
        const id = data.toString('latin1', idAt + idField.length, line)
        const { time, sequence } = known.get(id) ?? read(data.subarray(done, at), id)
        if (self.last >= 0 && sequence !== self.last + 1) gaps += 1
        self.last = sequence
        self.position = id
        if (!isSlow) {
          messages += 1
          latencies[Math.min(latencyMsMax, Math.max(0, now - time))]! += 1
        }
      }
      done = at + end.length
    }
    rest = data.subarray(done)
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
    known.clear()
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
