import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a Postgres that can be shut, or opened with nobody answering behind it. */
export interface Door {
  readonly url: string
  /** Connections break and new ones are refused. */
  shut(): Promise<void>
  /** Connections stand, and nothing comes back through them. */
  hush(): void
  open(): Promise<void>
}

export async function doorTo(url: string): Promise<Door> {
  const target = new URL(url)
  const host = decodeURIComponent(target.hostname)
  const port = Number(target.port || 5432)
  const sockets = new Set<Socket>()
  let hushed = false
  const server = createServer((near) => {
    const far = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => hushed || to.write(chunk))
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const own = (server.address() as AddressInfo).port
  target.hostname = '127.0.0.1'
  target.port = String(own)

  return {
    url: target.href,
    async shut() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
    hush() {
      hushed = true
    },
    async open() {
      // What was swallowed never comes: only new connections work.
      if (hushed) for (const socket of sockets) socket.destroy()
      hushed = false
      if (!server.listening) await once(server.listen(own, '127.0.0.1'), 'listening')
    },
  }
}
