// nats-server processes for tests: Debian's, on loopback.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type NatsConnection } from 'nats'

/** Whether this machine has one. */
export const hasNats = spawnSync('nats-server', ['--version']).status === 0

/** A server on a port of its own, which it keeps from start to start. */
export interface NatsServer {
  readonly port: number
  readonly url: string
  start(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Keeps a copy of what it has stored; it must not be running. */
  copyStore(): () => void
  remove(): Promise<void>
}

/** One server, not started. */
export async function natsServer(): Promise<NatsServer> {
  const [port] = await freePorts(1)
  return serverOf(port!, '')
}

/** Three servers that keep streams together, started. */
export async function natsCluster(): Promise<readonly NatsServer[]> {
  const ports = await freePorts(6)
  const routes = ports.slice(3).map((port) => `nats-route://127.0.0.1:${port}`)
  const servers = ports.slice(0, 3).map((port, n) => {
    const cluster = `server_name: n${n}\ncluster { name: test, listen: "127.0.0.1:${ports[3 + n]}", routes: ${JSON.stringify(routes)} }\n`
    return serverOf(port, cluster)
  })
  await Promise.all(servers.map((server) => server.start()))
  return servers
}

function serverOf(port: number, cluster: string): NatsServer {
  const directory = mkdtempSync(join(tmpdir(), 'duxnet-nats-'))
  const store = join(directory, 'store')
  const config = join(directory, 'nats.conf')
  writeFileSync(config, `listen: "127.0.0.1:${port}"\njetstream { store_dir: ${JSON.stringify(store)} }\n${cluster}`)
  let child: ChildProcess | undefined
  const server: NatsServer = {
    port,
    url: `nats://127.0.0.1:${port}`,
    async start() {
      child = spawn('nats-server', ['-c', config], { stdio: 'ignore' })
      await connected(server.url).then((connection) => connection.close())
    },
    async kill() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    signal: (signal) => void child?.kill(signal),
    copyStore() {
      const copy = join(directory, 'copy')
      cpSync(store, copy, { recursive: true })
      return () => {
        rmSync(store, { recursive: true })
        cpSync(copy, store, { recursive: true })
      }
    },
    async remove() {
      child?.kill('SIGCONT')
      await server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
  return server
}

/** A client, as soon as the server takes one. */
export async function connected(url: string | readonly string[]): Promise<NatsConnection> {
  for (;;) {
    try {
      return await connect({ servers: [url].flat(), maxReconnectAttempts: -1, reconnectTimeWait: 50, timeout: 2000 })
    } catch {
      await sleep(20)
    }
  }
}

async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
