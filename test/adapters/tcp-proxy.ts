import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy on loopback that can fail in every way a network can. */
export interface TcpProxy {
  readonly port: number
  /** Connections that are open now. */
  connections(): number
  /** Breaks all connections; new ones are made as before. */
  cut(): void
  /** Breaks all connections and refuses new ones until `listen`. */
  refuse(): Promise<void>
  listen(): Promise<void>
  /** Forwards nothing more on the connections of now, in one direction or both, and leaves them open. */
  stall(direction?: 'toServer' | 'toClient'): void
  /** The same for connections that are made from now on. */
  stallNew(stalling: boolean): void
  /** Sends what was held back. */
  resume(): void
  /** New connections go to `port`. */
  redirect(port: number): void
  close(): Promise<void>
}

export async function tcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<{ client: Socket; server: Socket }>()
  let to = target
  let stallNew = false

  function accept(client: Socket): void {
    const server = connect(to, '127.0.0.1')
    const pair = { client, server }
    pairs.add(pair)
    for (const [from, into] of [
      [client, server],
      [server, client],
    ] as const) {
      from.setNoDelay(true)
      from.pipe(into)
      from.on('error', () => {})
      from.on('close', () => {
        pairs.delete(pair)
        into.destroy()
      })
    }
    if (stallNew) hold(pair, 'both')
  }

  function hold({ client, server }: { client: Socket; server: Socket }, direction: 'toServer' | 'toClient' | 'both'): void {
    if (direction !== 'toClient') client.unpipe(server).pause()
    if (direction !== 'toServer') server.unpipe(client).pause()
  }

  const cut = () => {
    for (const { client, server } of pairs) {
      client.destroy()
      server.destroy()
    }
  }

  let listener: Server | undefined = createServer(accept).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo

  async function refuse(): Promise<void> {
    const closing = listener
    listener = undefined
    const closed = closing && new Promise((resolve) => closing.close(resolve))
    cut()
    await closed
  }

  return {
    port,
    connections: () => pairs.size,
    cut,
    refuse,
    async listen() {
      listener = createServer(accept).listen(port, '127.0.0.1')
      await once(listener, 'listening')
    },
    stall(direction) {
      for (const pair of pairs) hold(pair, direction ?? 'both')
    },
    stallNew(stalling) {
      stallNew = stalling
    },
    resume() {
      for (const { client, server } of pairs) {
        client.pipe(server)
        server.pipe(client)
      }
    },
    redirect(next) {
      to = next
    },
    close: refuse,
  }
}
