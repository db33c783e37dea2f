import { empty, encodeMessage, type Field, ProtoReader } from '../../../../adapters/eventstore/protobuf.ts'
import { any, streamExists } from '../engine/rules.ts'
import type { Outcome, Proposal } from '../engine/writer.ts'
import type { Call } from '../grpc/call.ts'
import { code, handlerThrew, invalidArgument, Status, streamDeleted } from '../grpc/status.ts'
import type { Store } from '../store.ts'
import { type AppendOptions, BadRequest, readAppendOptions, readProposal } from '../wire/proposals.ts'
import { storeFailed } from './failures.ts'
import { maxAppendBytes } from './limits.ts'

/** `Streams.Append`: options, then events, then one answer; nothing is written before the request is complete. */
export function append(store: Store): (call: Call) => void {
  return (call) => {
    let options: AppendOptions | undefined
    const events: Proposal[] = []
    let dataBytes = 0

    call.onMessage = (message) => {
      const reader = new ProtoReader(message)
      if (!reader.next()) throw handlerThrew()
      if (reader.field === 1 && !options) begin(checked(readAppendOptions(reader.message(), Date.now())))
      else if (reader.field === 2 && options) add(reader.message())
      else throw handlerThrew()
    }

    call.onHalfClose = () => {
      if (!options) throw handlerThrew()
      const { stream, expected } = options
      store.writer.append(stream!, expected!, events, (outcome) => answer(call, options!, outcome))
    }

    function begin(read: AppendOptions): void {
      store.access.demand(call.principal, 'write', read.stream!)
      options = read
    }

    function add(event: ProtoReader): void {
      const proposal = refusing(() => readProposal(event))
      dataBytes += proposal.data.length
      if (dataBytes > maxAppendBytes) throw maxAppendSizeExceeded()
      events.push(proposal)
    }
  }
}

function checked(options: AppendOptions): AppendOptions {
  if (!options.stream) throw handlerThrew()
  if (options.expected === undefined) throw invalidArgument('The request does not say what revision it expects.')
  return options
}

function refusing<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof BadRequest) || error.missingKey === undefined) throw handlerThrew()
    throw new Status(code.invalidArgument, error.message, {
      exception: 'missing-required-metadata-property',
      'required-metadata-properties': 'type,content-type',
    })
  }
}

const maxAppendSizeExceeded = () =>
  new Status(code.invalidArgument, `Maximum Append Size of ${maxAppendBytes} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(maxAppendBytes),
  })

function answer(call: Call, options: AppendOptions, outcome: Outcome): void {
  switch (outcome.kind) {
    case 'written':
      call.reply(written(outcome.revision, outcome.position))
      break
    case 'wrong-revision':
      call.reply(wrongRevision(options, outcome.current))
      break
    case 'deleted':
      call.end(streamDeleted(options.stream!))
      break
    case 'failed':
      call.end(storeFailed(outcome.error))
  }
}

function written(revision: number, position: number | undefined): Uint8Array {
  const current: Field = revision < 0 ? [2, empty] : [1, revision]
  const place: Field = position === undefined ? [4, empty] : [3, encodeMessage([1, position], [2, position])]
  return encodeMessage([1, encodeMessage(current, place)])
}

/** A wrong revision is an answer like others; everything is said twice, the first time for clients older than 20.6.1. */
function wrongRevision(options: AppendOptions, current: number): Uint8Array {
  const found = current < 0 ? twice(2, 7, empty) : twice(1, 6, current)
  return encodeMessage([2, encodeMessage(...found, ...expectation(options))])
}

function expectation({ expected, revision }: AppendOptions): readonly Field[] {
  if (expected === any) return twice(4, 9, empty)
  if (expected === streamExists) return twice(5, 10, empty)
  return revision === undefined ? [...once(3, -1), ...once(11, empty)] : twice(3, 8, revision)
}

const once = (number: number, value: Field[1]): readonly Field[] => [[number, value]]
const twice = (former: number, number: number, value: Field[1]) => [...once(former, value), ...once(number, value)]
