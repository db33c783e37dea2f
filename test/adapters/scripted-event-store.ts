import { createRequire } from 'node:module'
import { Metadata, Server, ServerCredentials, type ServerWritableStream, status } from '@grpc/grpc-js'

// The message classes that ship inside the client are CommonJS.
const require = createRequire(import.meta.url)
const { StreamsService } = require('@eventstore/db-client/generated/streams_grpc_pb.js')
const { ServerFeaturesService } = require('@eventstore/db-client/generated/serverfeatures_grpc_pb.js')
const streams: typeof import('@eventstore/db-client/generated/streams_pb.js') = require('@eventstore/db-client/generated/streams_pb.js')
const shared: typeof import('@eventstore/db-client/generated/shared_pb.js') = require('@eventstore/db-client/generated/shared_pb.js')

type Read = import('@eventstore/db-client/generated/streams_pb.js').ReadReq
type Answer = import('@eventstore/db-client/generated/streams_pb.js').ReadResp

/** A server that misbehaves on purpose: reads are answered by `script`, everything else is refused. */
export interface ScriptedEventStore {
  readonly port: number
  /** Reads and subscriptions that are open now. */
  open(): number
  close(): void
}

export type ReadCall = ServerWritableStream<Read, Answer>

export async function scriptedEventStore(script: (call: ReadCall, isSubscription: boolean) => void): Promise<ScriptedEventStore> {
  const server = new Server()
  let open = 0
  const refused = (_: unknown, done: (error: object) => void) => done({ code: status.UNIMPLEMENTED, details: 'not scripted' })
  server.addService(ServerFeaturesService, { getSupportedMethods: refused })
  server.addService(StreamsService, {
    append: refused,
    delete: refused,
    tombstone: refused,
    batchAppend: (call: ReadCall) => call.destroy(),
    read(call: ReadCall) {
      open += 1
      call.on('close', () => {
        open -= 1
      })
      script(call, call.request.getOptions()!.hasSubscription())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port))),
  )
  return { port, open: () => open, close: () => server.forceShutdown() }
}

/** A read's event: JSON `{}` at `position` of a stream. */
export function answerOf(id: string, stream: string, position: number): Answer {
  const event = new streams.ReadResp.ReadEvent.RecordedEvent()
  event.setId(new shared.UUID().setString(id))
  event.setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(stream)))
  event.setStreamRevision('0').setCommitPosition(String(position)).setPreparePosition(String(position))
  event.getMetadataMap().set('type', 'Scripted').set('content-type', 'application/json').set('created', '17000000000000000')
  event.setData(Buffer.from('{}'))
  const read = new streams.ReadResp.ReadEvent()
  read.setEvent(event).setCommitPosition(String(position))
  return new streams.ReadResp().setEvent(read)
}

export function confirmation(): Answer {
  return new streams.ReadResp().setConfirmation(new streams.ReadResp.SubscriptionConfirmation().setSubscriptionId('scripted'))
}

export function caughtUp(): Answer {
  return new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp())
}

/** What a follower answers to a call that requires the leader. */
export function notLeader(call: ReadCall, leaderPort: number): void {
  const metadata = new Metadata()
  metadata.set('exception', 'not-leader')
  metadata.set('leader-endpoint-host', '127.0.0.1')
  metadata.set('leader-endpoint-port', String(leaderPort))
  call.emit('error', { code: status.NOT_FOUND, details: 'Leader info available', metadata })
}
