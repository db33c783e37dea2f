import { empty, encodeMessage, ProtoReader } from '../../../../adapters/eventstore/protobuf.ts'
import type { Expected } from '../engine/rules.ts'
import type { Answer, Outcome } from '../engine/writer.ts'
import type { Call } from '../grpc/call.ts'
import { code, handlerThrew, invalidArgument, Status, streamDeleted } from '../grpc/status.ts'
import type { Store } from '../store.ts'
import { type AppendOptions, readAppendOptions } from '../wire/proposals.ts'
import { storeFailed } from './failures.ts'

/** `Streams.Delete`: hides the events of a stream. */
export function softDelete(store: Store): (call: Call) => void {
  return unary(store, (stream, expected, answer) => store.writer.softDelete(stream, expected, answer))
}

/** `Streams.Tombstone`: ends a stream for ever. */
export function tombstone(store: Store): (call: Call) => void {
  return unary(store, (stream, expected, answer) => store.writer.tombstone(stream, expected, answer))
}

type Write = (stream: string, expected: Expected, answer: Answer) => void

function unary({ access }: Store, write: Write): (call: Call) => void {
  return (call) => {
    let options: AppendOptions | undefined
    call.onMessage = (message) => {
      const reader = new ProtoReader(message)
      while (reader.next()) {
        if (reader.field === 1) options = readAppendOptions(reader.message(), Date.now())
        else reader.skip()
      }
    }
    call.onHalfClose = () => {
      if (!options?.stream) throw handlerThrew()
      const { stream, expected } = options
      access.demand(call.principal, 'delete', stream)
      if (expected === undefined) throw invalidArgument('The request does not say what revision it expects.')
      write(stream, expected, (outcome) => answer(call, stream, expected, outcome))
    }
  }
}

function answer(call: Call, stream: string, expected: Expected, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'written':
      call.reply(written(outcome.position))
      break
    case 'wrong-revision':
      call.end(wrongRevision(stream, expected, outcome.current))
      break
    case 'deleted':
      call.end(streamDeleted(stream))
      break
    case 'failed':
      call.end(storeFailed(outcome.error))
  }
}

function wrongRevision(stream: string, expected: Expected, current: number): Status {
  const versions = `Expected version: ${expected}, Actual version: ${current}`
  return new Status(code.failedPrecondition, `Delete failed due to WrongExpectedVersion. Stream: ${stream}, ${versions}`, {
    exception: 'wrong-expected-version',
    'stream-name': stream,
    'expected-version': String(expected),
    'actual-version': String(current),
  })
}

function written(position: number | undefined): Uint8Array {
  return position === undefined ? encodeMessage([2, empty]) : encodeMessage([1, encodeMessage([1, position], [2, position])])
}
