import { Worker } from 'node:worker_threads'
import type { Certificate } from './port/port.ts'
import type { ServerOptions } from './server.ts'
import type { Listening } from './worker.ts'

export interface EmbeddedEventStoreOptions {
  /** Where the log lies, made if need be; undefined: in memory, gone after `close`. */
  readonly directory: string | undefined
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 picks a free port. */
  readonly port: number
  /** With it the event store speaks TLS and asks who calls; at first there are the users `admin` and `ops`, with the password `changeit`. */
  readonly certificate?: Certificate | undefined
  /** Lets the projections of the system run (`$ce-…`, `$et-…` and so on); without it they stay as they were, stopped at first. */
  readonly startStandardProjections?: boolean | undefined
}

export interface EmbeddedEventStore {
  readonly host: string
  readonly port: number
  /**
   * For `@eventstore/db-client` and any other EventStoreDB client: `esdb://127.0.0.1:2113?tls=false`.
   * With a certificate `tls=true`, and whoever uses it adds their name and password, and `tlsCAFile` where the certificate is no public one.
   */
  readonly connectionString: string
  /** Resolves, with the reason, if the event store ends before `close`; then nothing is served any more. */
  readonly failed: Promise<Error>
  /** Finishes what was accepted, closes the files and the port. May be called again. */
  close(): Promise<void>
}

/**
 * Starts an event store in a worker thread and resolves once it listens. Rejects with an Error that names the port or the
 * directory when it is in use, and with the storage's own when the files cannot be opened.
 */
export async function startEmbeddedEventStore(options: EmbeddedEventStoreOptions): Promise<EmbeddedEventStore> {
  const { certificate } = options
  const worker = new Worker(workerFile(), {
    workerData: { host: '127.0.0.1', ...options } satisfies ServerOptions,
    name: 'eventstore',
  })
  let isClosing = false
  const exited = new Promise<number>((resolve) => worker.once('exit', resolve))
  const failed = new Promise<Error>((resolve) => {
    worker.on('error', (error) => resolve(new Error(`the embedded event store has failed: ${error.message}`, { cause: error })))
    exited.then((code) => isClosing || resolve(new Error(`the embedded event store has ended (${code})`)))
  })
  const address = await new Promise<Listening>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    exited.then((code) => reject(new Error(`the embedded event store has ended before it listened (${code})`)))
  })

  return {
    host: address.host,
    port: address.port,
    connectionString: `esdb://${address.host}:${address.port}?tls=${certificate !== undefined}`,
    failed,
    async close() {
      isClosing = true
      worker.postMessage('close')
      await exited
    },
  }
}

/** This program as it is, or as JavaScript after packing. */
const workerFile = () => new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
