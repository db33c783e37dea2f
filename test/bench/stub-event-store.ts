// A server that speaks our wire code and stores nothing: what remains is what the client costs. Runs in a worker, as the real one does.
import { once } from 'node:events'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Answer, Proposal } from '../../infra/embedded/eventstore/engine/writer.ts'
import type { Call } from '../../infra/embedded/eventstore/grpc/call.ts'
import { grpc } from '../../infra/embedded/eventstore/grpc/server.ts'
import { httpOverHttp2 } from '../../infra/embedded/eventstore/http/over-http2.ts'
import { http } from '../../infra/embedded/eventstore/http/server.ts'
import { openPort, type Port } from '../../infra/embedded/eventstore/port/port.ts'
import { batchAppend } from '../../infra/embedded/eventstore/services/batch-append.ts'
import { getSupportedMethods } from '../../infra/embedded/eventstore/services/discovery.ts'
import { encodeRecord } from '../../infra/embedded/eventstore/storage/record.ts'
import type { Store } from '../../infra/embedded/eventstore/store.ts'
import { streams } from '../../infra/embedded/eventstore/wire/generated.ts'
import { Page } from '../../infra/embedded/eventstore/wire/page.ts'

/** The one event that every read and every subscription answers, over and over, in bytes prepared once. */
export interface CannedEvent {
  readonly stream: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

/** Starts the stub. A read of anything is as many events as it asks for; a subscription hears one for each event appended to anything. */
export async function startStub(canned: CannedEvent): Promise<{ connectionString: string; close(): Promise<void> }> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { canned } })
  const [port] = (await once(worker, 'message')) as [number]
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=false`,
    async close() {
      await worker.terminate()
    },
  }
}

if (!isMainThread && workerData && 'canned' in workerData) parentPort!.postMessage((await serve(workerData.canned)).port)

function serve(canned: CannedEvent): Promise<Port> {
  const frame = frameOf(canned)
  const perPage = Math.ceil((48 * 1024) / frame.length)
  const page = repeated(frame, perPage)
  const subscribers = new Set<Call>()
  let position = 0
  let unpublished = 0

  const writer = {
    append(_stream: string, _expected: unknown, events: readonly Proposal[], answer: Answer) {
      answer({ kind: 'written', revision: 0, position: ++position })
      if (unpublished === 0) queueMicrotask(publish)
      unpublished += events.length
    },
  }

  function publish(): void {
    const bytes = subscribers.size > 0 ? repeated(frame, unpublished) : frame
    unpublished = 0
    for (const call of subscribers) call.write(bytes)
  }

  function read(call: Call): void {
    call.onMessage = (message) => {
      const options = streams.ReadReq.deserializeBinary(message).getOptions()!
      if (options.hasSubscription()) subscribe(call)
      else answer(call, Number(options.getCount()))
    }
  }

  function subscribe(call: Call): void {
    const opening = new Page('string')
    opening.confirmation('stub')
    opening.caughtUp()
    call.write(opening.take())
    subscribers.add(call)
    call.onClose = () => subscribers.delete(call)
  }

  function answer(call: Call, count: number): void {
    let left = count
    const run = () => {
      while (left > 0) {
        const sent = Math.min(left, perPage)
        left -= sent
        if (!call.write(sent === perPage ? page : page.subarray(0, sent * frame.length))) return
      }
      call.end()
    }
    call.onDrain = run
    run()
  }

  const service = '/event_store.client.streams.Streams'
  const handlers = new Map([
    ['/event_store.client.server_features.ServerFeatures/GetSupportedMethods', getSupportedMethods()],
    [`${service}/BatchAppend`, batchAppend({ writer, access: { allows: () => true } } as unknown as Store)],
    [`${service}/Read`, read],
  ])
  return openPort({ host: '127.0.0.1', port: 0, http2: grpc(handlers, httpOverHttp2([])), http1: http([]) })
}

function frameOf({ stream, type, data, metadata }: CannedEvent): Buffer {
  const page = new Page('string')
  const record = encodeRecord({
    id: '00000000-0000-4000-8000-000000000000',
    stream: Buffer.from(stream),
    revision: 1,
    position: 1,
    type: Buffer.from(type),
    isJson: true,
    created: Date.now(),
    metadata: Buffer.from(metadata),
    data: Buffer.from(data),
  })
  page.event(record, undefined, 1)
  return Buffer.from(page.take())
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes))
}
