import { randomUUID } from 'node:crypto'
import type { EventStoreDBClient } from '@eventstore/db-client'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import type { Status } from '@eventstore/db-client/generated/status_pb.js'
import { type CallOptions, type Channel, Client, type ClientDuplexStream, credentials, type Metadata } from '@grpc/grpc-js'
import {
  type Appended,
  AppendOutcomeUnknown,
  type ExpectedRevision,
  type NewEvent,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../../commands/ports.ts'
import { type AppendAnswer, appendRequest, readAppendAnswer } from './append-messages.ts'
import { after, Late } from './within.ts'

/**
 * The BatchAppend call of one connection: all appends share it, each has a correlation id and gets one answer.
 *
 * The client's own `appendToStream` makes the same call, but keeps what waits for an answer in one map for the whole process, so that a
 * broken connection of one client fails the appends of another; it waits without limit; and what it had queued when a connection
 * broke under pressure becomes an unhandled rejection, which ends the process. So only its connection is used here.
 */
export interface AppendCall {
  /** As `EventStore.append`; waits at most `ms` for the answer. */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[], ms: number): Promise<Appended>
  /** Takes no more appends and ends once the pending ones are answered. */
  end(): void
  /** The outcome of pending appends is unknown from here on. */
  cancel(): void
}

interface Pending {
  readonly stream: string
  readonly expected: ExpectedRevision
  resolve(appended: Appended): void
  reject(error: Error): void
  stopTimer(): void
}

type Call = ClientDuplexStream<Buffer, AppendAnswer>

const method = '/event_store.client.streams.Streams/BatchAppend'
const asItIs = (request: Buffer) => request

/** What the client keeps to itself and we cannot do without: how it connects to the node it chose, and the headers of its calls. */
interface Inner {
  createChannel(): Promise<Channel>
  callArguments(options: { requiresLeader: boolean }, call: CallOptions): [Metadata, CallOptions]
}

export function inner(client: EventStoreDBClient): Inner {
  return client as unknown as Inner
}

/** A longer message ends the whole call on the server's side (16 MiB there), and with it what others wait for. */
const requestBytesMax = 15 * 1024 * 1024

/** `suspect` is told when the call breaks or an answer does not come in time. */
export function appendCall(client: EventStoreDBClient, channel: Channel, suspect: () => void): AppendCall {
  // Address and credentials are the channel's.
  const stub = new Client('', credentials.createInsecure(), { channelOverride: channel })
  const pending = new Map<string, Pending>()
  let call: Call | undefined
  let ended = false

  function opened(): Call {
    const [metadata, options] = inner(client).callArguments({ requiresLeader: true }, { deadline: Number.POSITIVE_INFINITY })
    const made: Call = stub.makeBidiStreamRequest(method, asItIs, readAppendAnswer, metadata, options)
    const broken = (error: Error) => {
      if (call === made) call = undefined
      if (!ended) suspect()
      for (const [id, { stream }] of pending) settle(id)?.reject(new AppendOutcomeUnknown(stream, { cause: error }))
    }
    made.on('data', answered)
    made.on('error', broken)
    made.on('end', () => broken(new Error('the event store ended the call')))
    return made
  }

  function settle(id: string): Pending | undefined {
    const waiting = pending.get(id)
    pending.delete(id)
    waiting?.stopTimer()
    return waiting
  }

  function answered(answer: AppendAnswer): void {
    // Nobody waits any more for an answer that came too late.
    const waiting = settle(answer.correlationId)
    if (!waiting) return
    if (!('other' in answer)) return waiting.resolve({ revision: answer.revision, position: answer.position })
    const error = answer.other.getError()
    // An append without a place is one repeated on a deleted stream: nothing that this log does.
    waiting.reject(error ? refusal(error, waiting.stream, waiting.expected) : new AppendOutcomeUnknown(waiting.stream))
  }

  return {
    async append(stream, expected, events, ms) {
      const id = randomUUID()
      // No deadline is set: the server has its own (two seconds), and one of ours is a point in time, which a server whose clock is ahead by
      // more would always find over.
      const request = appendRequest(id, stream, expected, events)
      if (request.length > requestBytesMax) throw tooLarge(stream, requestBytesMax)
      if (ended) throw new StoreUnavailable('the event store connection was replaced')
      try {
        call ??= opened()
      } catch (error) {
        suspect()
        throw new StoreUnavailable('the event store cannot be reached', { cause: error })
      }
      const { promise, resolve, reject } = Promise.withResolvers<Appended>()
      const stopTimer = after(ms, () => {
        suspect()
        settle(id)?.reject(new AppendOutcomeUnknown(stream, { cause: new Late(ms) }))
      })
      pending.set(id, { stream, expected, resolve, reject, stopTimer })
      // What `write` says about pressure is not needed: whoever appends waits for the answer.
      call.write(request)
      return promise
    },
    end() {
      ended = true
      call?.end()
    },
    cancel() {
      ended = true
      call?.cancel()
    },
  }
}

/** What an answer that is no success means. What is not plainly a refusal may have happened. */
function refusal(status: Status, stream: string, expected: ExpectedRevision): Error {
  const details = status.getDetails()
  switch (details?.getTypeName()) {
    case 'event_store.client.WrongExpectedVersion': {
      const wrong = details.unpack(shared.WrongExpectedVersion.deserializeBinary, details.getTypeName())
      if (wrong?.hasCurrentStreamRevision())
        return new WrongExpectedRevision(stream, expected, Number(wrong.getCurrentStreamRevision()))
      return new WrongExpectedRevision(stream, expected, wrong?.hasCurrentNoStream() ? 'no_stream' : undefined)
    }
    case 'event_store.client.MaximumAppendSizeExceeded': {
      const limit = details.unpack(shared.MaximumAppendSizeExceeded.deserializeBinary, details.getTypeName())
      return tooLarge(stream, limit?.getMaxappendsize() ?? 0)
    }
    case 'event_store.client.StreamDeleted':
      return new Error(`${stream} was deleted for good: nothing can be appended to it`)
    case 'event_store.client.BadRequest':
      return new Error(`the event store refused the append to ${stream}: ${status.getMessage()}`)
    case 'event_store.client.AccessDenied':
      return new StoreUnavailable('the event store denies access')
    default:
      return new AppendOutcomeUnknown(stream, { cause: new Error(status.getMessage()) })
  }
}

function tooLarge(stream: string, bytes: number): RangeError {
  return new RangeError(`the append to ${stream} is larger than ${bytes} bytes`)
}
