import type { Outcome, Proposal } from '../engine/writer.ts'
import type { Call } from '../grpc/call.ts'
import type { Store } from '../store.ts'
import {
  type BatchMessage,
  badRequest,
  deletedStream,
  type Refusal,
  readBatchMessage,
  refusedReply,
  structuredCorrelation,
  timedOut,
  tooLarge,
  unknownFailure,
  writtenReply,
  wrongRevision,
} from '../wire/batch-append.ts'
import { type AppendOptions, BadRequest } from '../wire/proposals.ts'
import { maxAppendBytes } from './limits.ts'

/** A request that has not come whole within this time, or a shorter one of its own, has failed. */
const writeTimeoutMs = 2_000

/** A request of which more chunks are to come. */
interface Unfinished {
  readonly correlation: Buffer
  readonly options: AppendOptions
  readonly events: Proposal[]
  dataBytes: number
  readonly timeout: NodeJS.Timeout
}

/**
 * `Streams.BatchAppend`: many appends over one call, told apart by correlation ids. Each is answered exactly once; chunks of one that
 * was answered already, or was never begun, are passed over.
 */
export function batchAppend(store: Store): (call: Call) => void {
  return (call) => {
    const unfinished = new Map<string, Unfinished>()
    let unanswered = 0
    let replies: Buffer[] = []
    let isHalfClosed = false

    call.onMessage = (message) => {
      const request = readBatchMessage(message, Date.now())
      if (request.options) begin(request, request.options)
      else goOn(request)
    }
    call.onHalfClose = () => {
      isHalfClosed = true
      endWhenAnswered()
    }
    call.onDrain = () => call.resume()
    call.onClose = () => {
      for (const { timeout } of unfinished.values()) clearTimeout(timeout)
    }

    function begin(request: BatchMessage, options: AppendOptions): void {
      const { correlation, correlationId, events, dataBytes } = request
      const refusal = refusalOf(request, options)
      if (refusal || correlation === undefined || typeof correlationId !== 'string') {
        refuse(
          refusal === timedOut ? structured(request) : correlation,
          options.stream,
          refusal ?? badRequest('The request has no correlation id.'),
        )
        return
      }
      if (request.isFinal) {
        write(correlation, options, events)
        return
      }
      drop(correlationId)
      const left = Math.min(writeTimeoutMs, (options.deadline ?? Number.POSITIVE_INFINITY) - Date.now())
      const timeout = setTimeout(() => expire(correlationId), left)
      unfinished.set(correlationId, { correlation, options, events: [...events], dataBytes, timeout })
    }

    function goOn({ correlationId, events, dataBytes, refused, isFinal }: BatchMessage): void {
      const request = typeof correlationId === 'string' ? unfinished.get(correlationId) : undefined
      if (typeof correlationId !== 'string' || !request) return
      for (const event of events) request.events.push(event)
      request.dataBytes += dataBytes
      const refusal = refused
        ? badRequest(refused.message)
        : request.dataBytes > maxAppendBytes
          ? tooLarge(maxAppendBytes)
          : undefined
      if (!refusal && !isFinal) return
      drop(correlationId)
      if (refusal) refuse(request.correlation, request.options.stream, refusal)
      else write(request.correlation, request.options, request.events)
    }

    function expire(correlationId: string): void {
      const request = unfinished.get(correlationId)!
      unfinished.delete(correlationId)
      refuse(structuredCorrelation(correlationId), request.options.stream, timedOut)
    }

    function drop(correlationId: string): void {
      clearTimeout(unfinished.get(correlationId)?.timeout)
      unfinished.delete(correlationId)
    }

    function write(correlation: Buffer, { stream, expected }: AppendOptions, events: readonly Proposal[]): void {
      unanswered++
      store.writer.append(stream!, expected!, events, (outcome) => {
        unanswered--
        reply(replyTo(correlation, stream!, expected!, outcome))
      })
    }

    function refuse(correlation: Buffer | undefined, stream: string | undefined, refusal: Refusal): void {
      reply(refusedReply(correlation, stream, refusal))
    }

    /** A transaction answers many requests at once: they travel in one write. */
    function reply(frame: Buffer): void {
      if (replies.push(frame) === 1) queueMicrotask(flush)
    }

    function flush(): void {
      // A client that takes no answers gets to send no more requests.
      if (!call.write(replies.length === 1 ? replies[0]! : Buffer.concat(replies))) call.pause()
      replies = []
      endWhenAnswered()
    }

    function endWhenAnswered(): void {
      if (isHalfClosed && unanswered === 0 && unfinished.size === 0 && replies.length === 0) call.end()
    }
  }
}

function refusalOf({ correlationId, refused, dataBytes }: BatchMessage, options: AppendOptions): Refusal | undefined {
  if (correlationId instanceof BadRequest) return badRequest(correlationId.message)
  if (options.stream === undefined) return badRequest('The request names no stream.')
  if (options.stream === '') return badRequest('The name of the stream is empty.')
  if (options.expected === undefined) return badRequest('The request does not say what revision it expects.')
  if (options.deadline !== undefined && options.deadline <= Date.now()) return timedOut
  if (refused) return badRequest(refused.message)
  return dataBytes > maxAppendBytes ? tooLarge(maxAppendBytes) : undefined
}

const structured = ({ correlationId }: BatchMessage) =>
  typeof correlationId === 'string' ? structuredCorrelation(correlationId) : undefined

function replyTo(correlation: Buffer, stream: string, expected: Parameters<typeof wrongRevision>[0], outcome: Outcome): Buffer {
  switch (outcome.kind) {
    case 'written':
      return writtenReply(correlation, stream, outcome.revision, outcome.position)
    case 'wrong-revision':
      return refusedReply(correlation, stream, wrongRevision(expected, outcome.current))
    case 'deleted':
      return refusedReply(correlation, stream, deletedStream(stream))
    case 'failed':
      return refusedReply(correlation, stream, unknownFailure(`Nothing was written: ${outcome.error.message}`))
  }
}
