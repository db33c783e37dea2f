import type { Expected } from '../engine/rules.ts'
import type { Outcome, Proposal } from '../engine/writer.ts'
import type { Call } from '../grpc/call.ts'
import type { Store } from '../store.ts'
import {
  type BatchMessage,
  badRequest,
  deletedStream,
  notAllowed,
  type Refusal,
  readBatchMessage,
  refusedReply,
  storeFailed,
  structuredCorrelation,
  timedOut,
  tooLarge,
  writtenReply,
  wrongRevision,
} from '../wire/batch-append.ts'
import type { AppendOptions } from '../wire/proposals.ts'
import { maxAppendBytes } from './limits.ts'

/** A request that has not come whole within this time, or a shorter one of its own, has failed. */
const writeTimeoutMs = 2_000

/** A request of which more chunks are to come. */
interface Unfinished {
  /** The correlation id as it came. */
  readonly bytes: Buffer
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
      const { correlation, events, dataBytes } = request
      const { bytes, id } = correlation
      if (id === undefined) {
        refuse(bytes, options.stream, badRequest(correlation.reason))
        return
      }
      const refusal = refusalOf(request, options, (stream) => store.access.allows(call.principal, 'write', stream))
      if (refusal) {
        refuse(refusal === timedOut ? structuredCorrelation(id) : bytes, options.stream, refusal)
        return
      }
      if (request.isFinal) {
        write(bytes, options, events)
        return
      }
      drop(id)
      const left = Math.min(writeTimeoutMs, (options.deadline ?? Number.POSITIVE_INFINITY) - Date.now())
      const timeout = setTimeout(() => expire(id), left)
      unfinished.set(id, { bytes, options, events: [...events], dataBytes, timeout })
    }

    function goOn({ correlation: { id }, events, dataBytes, refused, isFinal }: BatchMessage): void {
      const request = id === undefined ? undefined : unfinished.get(id)
      if (id === undefined || !request) return
      for (const event of events) request.events.push(event)
      request.dataBytes += dataBytes
      const refusal = refused
        ? badRequest(refused.message)
        : request.dataBytes > maxAppendBytes
          ? tooLarge(maxAppendBytes)
          : undefined
      if (!refusal && !isFinal) return
      drop(id)
      if (refusal) refuse(request.bytes, request.options.stream, refusal)
      else write(request.bytes, request.options, request.events)
    }

    function expire(id: string): void {
      const { options } = unfinished.get(id)!
      unfinished.delete(id)
      refuse(structuredCorrelation(id), options.stream, timedOut)
    }

    function drop(id: string): void {
      clearTimeout(unfinished.get(id)?.timeout)
      unfinished.delete(id)
    }

    function write(correlation: Buffer, { stream, expected }: AppendOptions, events: readonly Proposal[]): void {
      unanswered++
      const answer = (outcome: Outcome) => {
        unanswered--
        reply(replyTo(correlation, stream!, expected!, outcome))
      }
      try {
        store.writer.append(stream!, expected!, events, answer)
      } catch (error) {
        // A damaged record that the decision needs: the other requests of this call do not suffer for it.
        answer({ kind: 'failed', error: error as Error })
      }
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

function refusalOf(
  { refused, dataBytes }: BatchMessage,
  options: AppendOptions,
  isAllowed: (stream: string) => boolean,
): Refusal | undefined {
  if (options.stream === undefined) return badRequest('The request names no stream.')
  if (options.stream === '') return badRequest('The name of the stream is empty.')
  if (!isAllowed(options.stream)) return notAllowed
  if (options.expected === undefined) return badRequest('The request does not say what revision it expects.')
  if (options.deadline !== undefined && options.deadline <= Date.now()) return timedOut
  if (refused) return badRequest(refused.message)
  return dataBytes > maxAppendBytes ? tooLarge(maxAppendBytes) : undefined
}

function replyTo(correlation: Buffer, stream: string, expected: Expected, outcome: Outcome): Buffer {
  switch (outcome.kind) {
    case 'written':
      return writtenReply(correlation, stream, outcome.revision, outcome.position)
    case 'wrong-revision':
      return refusedReply(correlation, stream, wrongRevision(expected, outcome.current))
    case 'deleted':
      return refusedReply(correlation, stream, deletedStream(stream))
    case 'failed':
      return refusedReply(correlation, stream, storeFailed(`Nothing was written: ${outcome.error.message}`))
  }
}
