import {
  delimitedSize,
  empty,
  encodeMessage,
  type Field,
  ProtoReader,
  varintSize,
  writeDelimited,
  writeNumber,
} from '../../../../adapters/eventstore/protobuf.ts'
import { any, type Expected, noStream, streamExists } from '../engine/rules.ts'
import type { Proposal } from '../engine/writer.ts'
import { framed, framePrefix, writeFramePrefix } from '../grpc/frames.ts'
import { code } from '../grpc/status.ts'
import { type AppendOptions, BadRequest, readAppendOptions, readId, readProposal } from './proposals.ts'
import { isZeroUuid, uuidHalves } from './uuid.ts'

/** A correlation id as it came, to be sent back, and its canonical text; or why it is none. */
export type Correlation =
  | { readonly bytes: Buffer; readonly id: string }
  | { readonly bytes: Buffer | undefined; readonly id: undefined; readonly reason: string }

/** One message of a BatchAppend call. */
export interface BatchMessage {
  readonly correlation: Correlation
  readonly options: AppendOptions | undefined
  readonly events: readonly Proposal[]
  /** Bytes of the data of all events, which is what the size limit counts. */
  readonly dataBytes: number
  /** Why an event is none. Events after it are not read. */
  readonly refused: BadRequest | undefined
  readonly isFinal: boolean
}

export function readBatchMessage(message: Buffer, now: number): BatchMessage {
  const reader = new ProtoReader(message)
  let correlation: Buffer | undefined
  let options: AppendOptions | undefined
  let refused: BadRequest | undefined
  let isFinal = false
  let dataBytes = 0
  const events: Proposal[] = []
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        correlation = reader.bytes()
        break
      case 2:
        options = readAppendOptions(reader.message(), now)
        break
      case 3: {
        const event = reader.message()
        if (refused) break
        try {
          const proposal = readProposal(event)
          dataBytes += proposal.data.length
          events.push(proposal)
        } catch (error) {
          if (!(error instanceof BadRequest)) throw error
          refused = error
        }
        break
      }
      case 4:
        isFinal = reader.varint() !== 0
        break
      default:
        reader.skip()
    }
  }
  return { correlation: readCorrelation(correlation), options, events, dataBytes, refused, isFinal }
}

function readCorrelation(bytes: Buffer | undefined): Correlation {
  const none = (reason: string) => ({ bytes, id: undefined, reason })
  if (!bytes) return none('The request has no correlation id.')
  try {
    const id = readId(new ProtoReader(bytes))
    if (id === undefined) return none('The correlation id is neither text nor structured.')
    return isZeroUuid(id) ? none('Empty correlation id provided.') : { bytes, id }
  } catch (error) {
    if (error instanceof BadRequest) return none(error.message)
    throw error
  }
}

/** The framed answer to an append that was written. `revision` -1 and an absent position have a form of their own. */
export function writtenReply(correlation: Buffer, stream: string, revision: number, position: number | undefined): Buffer {
  const name = Buffer.from(stream)
  const positionSize = position === undefined ? 0 : 2 * (1 + varintSize(position))
  const success = (revision < 0 ? 2 : 1 + varintSize(revision)) + delimitedSize(positionSize)
  const identifier = delimitedSize(name.length)
  const size = delimitedSize(correlation.length) + delimitedSize(success) + delimitedSize(identifier)
  const bytes = Buffer.allocUnsafe(framePrefix + size)
  writeFramePrefix(bytes, 0, size)
  let at = writeDelimited(bytes, framePrefix, 1, correlation.length)
  at += correlation.copy(bytes, at)
  at = writeDelimited(bytes, at, 3, success)
  at = revision < 0 ? writeDelimited(bytes, at, 2, 0) : writeNumber(bytes, at, 1, revision)
  at = writeDelimited(bytes, at, position === undefined ? 4 : 3, positionSize)
  if (position !== undefined) at = writeNumber(bytes, writeNumber(bytes, at, 1, position), 2, position)
  at = writeDelimited(bytes, at, 4, identifier)
  at = writeDelimited(bytes, at, 3, name.length)
  name.copy(bytes, at)
  return bytes
}

/** Why an append was refused: the code, a word, and the message type of `event_store.client` that says more. */
export interface Refusal {
  readonly code: number
  readonly message: string
  readonly detail: string
  readonly value: Uint8Array
}

export const timedOut: Refusal = { code: code.deadlineExceeded, message: 'Timeout', detail: 'Timeout', value: empty }

export const notAllowed: Refusal = { code: code.permissionDenied, message: 'AccessDenied', detail: 'AccessDenied', value: empty }

/** The store could not write. No client knows a type for that; given one they don't know they show the message, and only then. */
export const storeFailed = (reason: string): Refusal => ({
  code: code.resourceExhausted,
  message: reason,
  detail: 'StoreFailed',
  value: empty,
})

export function badRequest(reason: string): Refusal {
  return { code: code.invalidArgument, message: 'BadRequest', detail: 'BadRequest', value: encodeMessage([1, reason]) }
}

export function tooLarge(limit: number): Refusal {
  const name = 'MaximumAppendSizeExceeded'
  return { code: code.invalidArgument, message: name, detail: name, value: encodeMessage([1, limit]) }
}

export function deletedStream(stream: string): Refusal {
  const value = encodeMessage([1, streamIdentifier(stream)])
  return { code: code.notFound, message: 'StreamDeleted', detail: 'StreamDeleted', value }
}

export function wrongRevision(expected: Expected, current: number): Refusal {
  const found: Field = current < 0 ? [2, empty] : [1, current]
  const value = encodeMessage(found, expectation(expected))
  return { code: code.alreadyExists, message: 'WrongExpectedVersion', detail: 'WrongExpectedVersion', value }
}

function expectation(expected: Expected): Field {
  if (expected === any) return [4, empty]
  if (expected === streamExists) return [5, empty]
  return expected === noStream ? [6, empty] : [3, expected]
}

export const streamIdentifier = (stream: string) => encodeMessage([3, stream])

/** The framed answer to an append that was refused. The stream is left out only when the request named none. */
export function refusedReply(correlation: Buffer | undefined, stream: string | undefined, refusal: Refusal): Buffer {
  const details = encodeMessage([1, `type.googleapis.com/event_store.client.${refusal.detail}`], [2, refusal.value])
  const fields: Field[] = [[2, encodeMessage([1, refusal.code], [2, refusal.message], [3, details])]]
  if (correlation) fields.unshift([1, correlation])
  if (stream !== undefined) fields.push([4, streamIdentifier(stream)])
  return framed(encodeMessage(...fields))
}

/** A correlation id as two numbers: the form in which timeouts are answered. */
export function structuredCorrelation(id: string): Buffer {
  const [high, low] = uuidHalves(id)
  return encodeMessage([1, encodeMessage([1, high], [2, low])])
}
