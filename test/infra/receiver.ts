import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface Received {
  readonly id: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any message
  readonly body: any
}

/** Answers a message; what is not ended hangs. */
export type Behaviour = (message: Received, response: ServerResponse) => void

/** Whoever receives messages of a webhook: a real HTTP server on loopback. */
export interface Receiver {
  readonly url: string
  /** Everything that came, in its order, taken or not. */
  readonly received: Received[]
  /** From now on. */
  behave(behaviour: Behaviour): void
  /** Waits until so many messages have come. */
  until(count: number): Promise<readonly Received[]>
  close(): Promise<void>
}

export const taken: Behaviour = (_, response) => response.writeHead(204).end()

export const answers =
  (status: number, headers: Record<string, string> = {}): Behaviour =>
  (_, response) =>
    response.writeHead(status, headers).end('whatever it says')

const patienceMs = 20_000

export async function openReceiver(behaviour: Behaviour = taken): Promise<Receiver> {
  const received: Received[] = []
  let behave = behaviour
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const message = { id: String(request.headers['webhook-id']), headers: request.headers, text, body: JSON.parse(text) }
      received.push(message)
      behave(message, response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    behave(next) {
      behave = next
    },
    async until(count) {
      const end = performance.now() + patienceMs
      while (received.length < count) {
        if (performance.now() > end) throw new Error(`${received.length} of ${count} messages came in ${patienceMs} ms`)
        await sleep(10)
      }
      return received
    },
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
