import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'
import { onFirstBytes } from './first-bytes.ts'

/** What speaks one protocol over the connections that it is handed. */
export interface Protocol {
  accept(socket: Socket): void
  /** Takes no more requests; a connection ends once those under way are answered. */
  close(): void
}

/** In PEM form. */
export interface Certificate {
  readonly cert: string | Buffer
  readonly key: string | Buffer
  /** What the chain of the certificate is completed from. */
  readonly ca?: string | Buffer | (string | Buffer)[] | undefined
}

export interface PortOptions {
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  readonly http2: Protocol
  readonly http1: Protocol
  /** Without one the port speaks plaintext. */
  readonly certificate?: Certificate | undefined
  /** How long a client may take to say which protocol it speaks; ten seconds unless told otherwise. */
  readonly patienceMs?: number | undefined
}

export interface Port {
  readonly host: string
  readonly port: number
  /** Shows another certificate to whoever connects from now on. Throws an Error where there was none. */
  renew(certificate: Certificate): void
  /** Resolves once nobody is connected any more. Who has not taken the last answers within a second is cut off. */
  close(): Promise<void>
}

const lastAnswersMs = 1_000

/**
 * Listens, and hands each connection to the protocol that its client speaks: over TLS what the handshake agreed on, else what
 * the first bytes say. Throws an Error that names the address when it cannot listen there.
 */
export async function openPort(options: PortOptions): Promise<Port> {
  const { host, http2, http1 } = options
  const server = options.certificate ? encrypted(options, options.certificate) : plaintext(options)
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', () => sockets.delete(socket))
  })
  await listen(server, host, options.port)

  return {
    host,
    port: (server.address() as AddressInfo).port,
    renew(certificate) {
      if (!(server instanceof TlsServer)) throw new Error(`${host}:${options.port} speaks no TLS`)
      server.setSecureContext(certificate)
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const protocol of [http2, http1]) protocol.close()
      const impatience = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, lastAnswersMs)
      await closed
      clearTimeout(impatience)
    },
  }
}

const defaultPatienceMs = 10_000

function plaintext({ http2, http1, patienceMs = defaultPatienceMs }: PortOptions): Server {
  return createServer({ noDelay: true }, (socket) =>
    onFirstBytes(socket, patienceMs, (isHttp2) => (isHttp2 ? http2 : http1).accept(socket)),
  )
}

function encrypted({ http2, http1, patienceMs = defaultPatienceMs }: PortOptions, { cert, key, ca }: Certificate): Server {
  const server = createTlsServer({ cert, key, ca, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: patienceMs, noDelay: true })
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {}) // 'close' follows
    const protocol = socket.alpnProtocol === 'h2' ? http2 : http1
    protocol.accept(socket)
  })
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? 'the port is in use by another program' : (error as Error).message
    throw new Error(`the event store cannot listen on ${host}:${port}: ${reason}`, { cause: error })
  }
}
