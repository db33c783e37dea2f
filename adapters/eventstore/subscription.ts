import shared from '@eventstore/db-client/generated/shared_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { Client, credentials, type Metadata } from '@grpc/grpc-js'
import type { RecordedEvent } from '../../domain/event.ts'
import { inner } from './append-call.ts'
import type { Connection } from './connection.ts'
import { type Mark, readMessage } from './read-messages.ts'
import { open, type Source } from './source.ts'

export interface AllSubscription {
  /** A position; what is delivered comes after it. Undefined: from the start of the log. */
  readonly after: bigint | undefined
  /** Of the streams whose events are wanted. */
  readonly prefix: string
  /** After how many events of others the server says how far it has got. */
  readonly window: number
  readonly signals: readonly AbortSignal[]
}

const method = '/event_store.client.streams.Streams/Read'

/**
 * Subscribes to `$all` through the client's own connection, with its headers and credentials. The client's `subscribeToAll` makes the same
 * call; only what comes back is decoded by us (`read-messages.ts` says why).
 */
export function subscribeToAll(
  { client, channel }: Connection,
  { after, prefix, window, signals }: AllSubscription,
): Source<RecordedEvent | Mark> {
  // Address and credentials are the channel's.
  const stub = new Client('', credentials.createInsecure(), { channelOverride: channel })
  const [metadata, options] = inner(client).callArguments({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY })
  const request = requestOf(after, prefix, window)
  const call = stub.makeServerStreamRequest(method, serialize, readMessage, request, metadata as Metadata, options)
  const source = open<RecordedEvent | Mark | undefined>(call, async () => call.cancel(), signals)
  return {
    ...source,
    read() {
      for (;;) {
        const item = source.read()
        if (item !== undefined) return item
      }
    },
  }
}

const serialize = (request: streams.ReadReq) => Buffer.from(request.serializeBinary())

function requestOf(after: bigint | undefined, prefix: string, window: number): streams.ReadReq {
  const { AllOptions, FilterOptions, Position, SubscriptionOptions, UUIDOption } = streams.ReadReq.Options
  const all = new AllOptions()
  if (after === undefined) all.setStart(new shared.Empty())
  // Every record of ours commits itself: both halves of its position are the same.
  else all.setPosition(new Position().setCommitPosition(String(after)).setPreparePosition(String(after)))
  const filter = new FilterOptions()
    .setStreamIdentifier(new FilterOptions.Expression().setPrefixList([prefix]))
    .setMax(window)
    .setCheckpointintervalmultiplier(1)
  const options = new streams.ReadReq.Options()
    .setAll(all)
    .setSubscription(new SubscriptionOptions())
    .setUuidOption(new UUIDOption().setString(new shared.Empty()))
    .setFilter(filter)
  return new streams.ReadReq().setOptions(options)
}
