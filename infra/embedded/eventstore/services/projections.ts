import { empty, encodeMessage } from '../../../../adapters/eventstore/protobuf.ts'
import type { Call } from '../grpc/call.ts'
import { framed } from '../grpc/frames.ts'
import type { Handler } from '../grpc/server.ts'
import { code, handlerThrew, Status, unimplemented } from '../grpc/status.ts'
import type { Projection } from '../projections/ledger.ts'
import type { Projections } from '../projections/projections.ts'
import { projections as generated } from '../wire/generated.ts'

/** What is done with the projection that a request names. A throw or a rejection ends the call with that error. */
interface Method<Options extends { getName(): string }> {
  options(message: Buffer): Options | undefined
  /** What EventStoreDB says that it had expected when there is no such projection. */
  readonly expects: 'Updated' | 'ProjectionState' | 'ProjectionResult'
  run(projection: Projection, options: Options): Uint8Array | Promise<void>
}

/** The `Projections` service, for the projections of the system; there are no others. */
export function projectionHandlers(projections: Projections): [string, Handler][] {
  const methods: [string, Handler][] = [
    handler('Enable', {
      options: (message) => generated.EnableReq.deserializeBinary(message).getOptions(),
      expects: 'Updated',
      run: ({ name }) => projections.enable(name),
    }),
    handler('Disable', {
      options: (message) => generated.DisableReq.deserializeBinary(message).getOptions(),
      expects: 'Updated',
      run: ({ name }, options) => projections.disable(name, options.getWriteCheckpoint() ? 'Stopped' : 'Aborted'),
    }),
    handler('Reset', {
      options: (message) => generated.ResetReq.deserializeBinary(message).getOptions(),
      expects: 'Updated',
      run: ({ name }) => projections.reset(name),
    }),
    handler('Update', {
      options: (message) => generated.UpdateReq.deserializeBinary(message).getOptions(),
      expects: 'Updated',
      run() {
        throw unimplemented('A projection in JavaScript')
      },
    }),
    handler('Delete', {
      options: (message) => generated.DeleteReq.deserializeBinary(message).getOptions(),
      expects: 'Updated',
      run() {
        throw unexpected('Updated', 'OperationFailed') // what is built in stays
      },
    }),
    handler('State', {
      options: (message) => generated.StateReq.deserializeBinary(message).getOptions(),
      expects: 'ProjectionState',
      run: () => emptyObject,
    }),
    handler('Result', {
      options: (message) => generated.ResultReq.deserializeBinary(message).getOptions(),
      expects: 'ProjectionResult',
      run: () => emptyObject,
    }),
  ]

  function handler<Options extends { getName(): string }>(name: string, method: Method<Options>): [string, Handler] {
    async function answer(call: Call, message: Buffer): Promise<void> {
      const options = method.options(message)
      if (!options) throw handlerThrew()
      const projection = projections.get(options.getName())
      if (!projection) throw unexpected(method.expects, 'NotFound')
      call.reply((await method.run(projection, options)) ?? empty)
    }
    return [
      path(name),
      (call) => {
        call.onMessage = (message) => void answer(call, message).catch((error) => call.fail(error))
      },
    ]
  }

  return [...methods, [path('RestartSubsystem'), restart], [path('Statistics'), (call) => statistics(projections, call)]]
}

const path = (method: string) => `/event_store.client.projections.Projections/${method}`

const unexpected = (expected: string, received: string) =>
  new Status(code.unknown, `Envelope callback expected ${expected}, received ${received} instead`)

/** The projections of the system keep no state: an object without members, as a `google.protobuf.Value` in field 1. */
const emptyObject = encodeMessage([1, encodeMessage([5, empty])])

/** Nothing of them lasts longer than a chunk, so there is nothing to restart. */
function restart(call: Call): void {
  call.onHalfClose = () => call.reply(empty)
}

const { ModeCase } = generated.StatisticsReq.Options

function statistics(projections: Projections, call: Call): void {
  call.onMessage = (message) => {
    const options = generated.StatisticsReq.deserializeBinary(message).getOptions()
    if (!options) throw handlerThrew()
    for (const projection of asked(projections, options.getModeCase(), options.getName())) {
      const response = new generated.StatisticsResp().setDetails(details(projection, projections.end))
      call.write(framed(response.serializeBinary()))
    }
    call.end()
  }
}

function asked(projections: Projections, mode: number, name: string): readonly Projection[] {
  if (mode === ModeCase.ALL || mode === ModeCase.CONTINUOUS) return projections.list()
  if (mode === ModeCase.TRANSIENT || mode === ModeCase.ONE_TIME) return []
  if (mode !== ModeCase.NAME) throw handlerThrew()
  const projection = projections.get(name)
  if (!projection) throw unexpected('Statistics', 'NotFound')
  return [projection]
}

function details(projection: Projection, end: number) {
  const { name, position, checkpoint, resets, status, fault = '', eventsProcessed } = projection
  const place = (at: number) => `C:${at}/P:${at}`
  return new generated.StatisticsResp.Details()
    .setName(name)
    .setEffectivename(name)
    .setMode('Continuous')
    .setVersion('1')
    .setEpoch(String(resets - 1))
    .setStatus(fault === '' ? status : 'Faulted')
    .setStatereason(fault)
    .setPosition(place(position))
    .setLastcheckpoint(place(checkpoint))
    .setProgress(end === 0 ? 100 : (position / end) * 100)
    .setEventsprocessedafterrestart(String(eventsProcessed))
}
