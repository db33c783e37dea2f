import { parentPort, workerData } from 'node:worker_threads'
import { openServer, type ServerOptions } from './server.ts'

// The event store in a thread of its own: the program that it serves may be busy for as long as it likes.

export type FromWorker = { readonly listening: { readonly host: string; readonly port: number } } | { readonly refused: string }

const port = parentPort!
const say = (message: FromWorker) => port.postMessage(message)

try {
  const server = await openServer(workerData as ServerOptions)
  port.once('message', async () => {
    await server.close()
    port.close()
  })
  say({ listening: { host: server.host, port: server.port } })
} catch (error) {
  say({ refused: (error as Error).message })
  port.close()
}
