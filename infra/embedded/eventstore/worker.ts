import { parentPort, workerData } from 'node:worker_threads'
import { openServer, type ServerOptions } from './server.ts'

// The event store in a thread of its own: the program that it serves may be busy for as long as it likes.
// What keeps it from starting ends the thread, which is how whoever started it hears of it.

export interface Listening {
  readonly host: string
  readonly port: number
}

const port = parentPort!
const server = await openServer(workerData as ServerOptions)
port.once('message', async () => {
  await server.close()
  port.close()
})
port.postMessage({ host: server.host, port: server.port } satisfies Listening)
