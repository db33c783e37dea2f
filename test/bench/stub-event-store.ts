// A server that speaks our wire code and stores nothing: what remains is what the client costs. Runs in a worker, as the real one does.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Answer, Proposal } from '../../infra/embedded/eventstore/engine/writer.ts'
import type { Call } from '../../infra/embedded/eventstore/grpc/call.ts'
import { grpc } from '../../infra/embedded/eventstore/grpc/server.ts'
import { http } from '../../infra/embedded/eventstore/http/server.ts'
import { openPort, type Port } from '../../infra/embedded/eventstore/port/port.ts'
import { batchAppend } from '../../infra/embedded/eventstore/services/batch-append.ts'
import { getSupportedMethods } from '../../infra/embedded/eventstore/services/discovery.ts'
import { encodeRecord } from '../../infra/embedded/eventstore/storage/record.ts'
import type { Store } from '../../infra/embedded/eventstore/store.ts'
import { Page } from '../../infra/embedded/eventstore/wire/page.ts'

/** One event of what every read answers, over and over. */
export interface CannedEvent {
  readonly stream: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

/** Starts the stub; a read of anything answers `count` events made from `canned` and ends. */
export async function startStub(
  canned: readonly CannedEvent[] = [],
  count = 0,
): Promise<{ connectionString: string; close(): Promise<void> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { canned, count } })
  const [port] = (await once(worker, 'message')) as [number]
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    async close() {
      await worker.terminate()
    },
  }
}

if (!isMainThread && workerData && 'canned' in workerData) parentPort!.postMessage((await serve(workerData)).port)

function serve({ canned, count }: { canned: readonly CannedEvent[]; count: number }): Promise<Port> {
  let position = 0
  const writer = {
    append: (_stream: string, _expected: unknown, _events: readonly Proposal[], answer: Answer) =>
      answer({ kind: 'written', revision: 0, position: ++position }),
  }
  const streams = '/event_store.client.streams.Streams'
  const handlers = new Map([
    ['/event_store.client.server_features.ServerFeatures/GetSupportedMethods', getSupportedMethods()],
    [`${streams}/BatchAppend`, batchAppend({ writer } as unknown as Store)],
    [`${streams}/Read`, (call: Call) => answerRead(call, canned, count)],
  ])
  return openPort({ host: '127.0.0.1', port: 0, http2: grpc(handlers), http1: http([]) })
}

function answerRead(call: Call, canned: readonly CannedEvent[], count: number): void {
  const records = canned.map(({ stream, type, data, metadata }, index) =>
    encodeRecord({
      id: '00000000-0000-4000-8000-000000000000',
      stream: Buffer.from(stream),
      revision: index,
      position: index + 1,
      type: Buffer.from(type),
      isJson: true,
      created: Date.now(),
      metadata: Buffer.from(metadata),
      data: Buffer.from(data),
    }),
  )
  let sent = 0
  const run = () => {
    while (sent < count) {
      const page = new Page('string')
      while (sent < count && !page.isFull) page.event(records[sent++ % records.length], undefined, sent)
      if (!call.write(page.take())) return
    }
    call.end()
  }
  call.onMessage = run
  call.onDrain = run
}
