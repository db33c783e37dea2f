// Projections in JavaScript, by the server's own engine.
import type { Outgoing, Wire } from '../lib/codec.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'
import { structOf } from '../lib/value.ts'

const call = (t: Toolkit, method: string, options: Outgoing) => t.call('Projections', method, { options })
const continuous = (t: Toolkit, name: string, query: string, settings: Outgoing = {}) =>
  call(t, 'Create', { continuous: { name, ...settings }, query })

const statistics = async (t: Toolkit, name: string): Promise<Wire> => {
  const inbox = t.serverStream('Projections', 'Statistics', { options: { name } }, {})
  await inbox.outcome()
  return inbox.messages[0]?.details
}

// State and result as plain data, or the error; `When` waits until the field has that value.
const state = async (t: Toolkit, options: Outgoing) => plain(await call(t, 'State', options))
const result = async (t: Toolkit, options: Outgoing) => plain(await call(t, 'Result', options))
const plain = (answer: Wire): Wire => (answer.error ? answer : structOf(answer.state ?? answer.result))
const stateWhen = (t: Toolkit, options: Outgoing, field: string, value: number) =>
  t.eventually(
    () => state(t, options),
    (current) => current[field] === value,
  )

const statusWhen = (t: Toolkit, name: string, status: string) => {
  const current = async (): Promise<string> => (await statistics(t, name))?.status ?? 'gone'
  return t.eventually(current, (it) => it === status)
}

const count = 'when({ $init: () => ({ count: 0 }), $any: (state) => { state.count++ } })'
const counting = (stream: string) => `fromStream('${stream}').${count}`
export default [
  {
    name: 'continuous: counts, in history and live',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('counting'), t.stream('orders')]
      await t.append(stream, 'any', 2)
      t.record('create', await continuous(t, name, counting(stream)))
      t.record('state', await stateWhen(t, { name }, 'count', 2))
      await t.append(stream, 'any', 1)
      t.record('live', await stateWhen(t, { name }, 'count', 3))
      t.record('result', await result(t, { name }))
    },
  },
  {
    name: 'continuous: the same name twice',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('counting'), t.stream('orders')]
      await continuous(t, name, counting(stream))
      t.record('again', await continuous(t, name, counting(stream)))
    },
  },
  {
    name: 'continuous: emits events and links',
    section: '10-js',
    async run(t) {
      const [name, stream, target] = [t.stream('emitting'), t.stream('orders'), t.stream('emitted')]
      await t.append(stream, 'any', [t.event({ type: 'opened', json: { amount: 5 } })])
      const query = `fromStream('${stream}').when({ opened: (state, event) => {
        emit('${target}', 'noticed', { amount: event.body.amount }, { by: 'projection' })
        linkTo('${target}', event) } })`
      t.record('create', await continuous(t, name, query, { emitEnabled: true }))
      const { events } = await t.eventually(
        () => t.read(target),
        (read) => read.events.length >= 2,
      )
      t.record(
        'emitted',
        events.map(({ event }) => [event.metadata.type, event.metadata['content-type'], event.data]),
      )
      t.record(
        'metadata keys',
        events.map(({ event }) => Object.keys(JSON.parse(event.customMetadata)).sort()),
      )
      t.record('resolved', t.brief((await t.read(target, { resolveLinks: true })).messages))
    },
  },
  {
    name: 'continuous: state by partition',
    section: '10-js',
    async run(t) {
      const [name, first, second] = [t.stream('counting'), t.stream('orders'), t.stream('orders')]
      await t.append(first, 'any', 2)
      await t.append(second, 'any', 3)
      const query = `fromStreams(['${first}', '${second}']).partitionBy((event) => event.streamId).${count}`
      t.record('create', await continuous(t, name, query))
      t.record('first', await stateWhen(t, { name, partition: first }, 'count', 2))
      t.record('second', await stateWhen(t, { name, partition: second }, 'count', 3))
      t.record('unknown partition', await state(t, { name, partition: 'nobody' }))
    },
  },
  {
    name: 'continuous: a result that is transformed',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('counting'), t.stream('orders')]
      await t.append(stream, 'any', 4)
      await continuous(t, name, `${counting(stream)}.transformBy((state) => ({ total: state.count })).outputState()`)
      t.record('state', await stateWhen(t, { name }, 'count', 4))
      t.record('result', await result(t, { name }))
      const { events } = await t.read(`$projections-${name}-result`, { direction: 'backwards', count: 1 })
      t.record(
        'result stream',
        events.map(({ event }) => [event.metadata.type, event.data]),
      )
    },
  },
  {
    name: 'continuous: a query that fails is faulted',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('failing'), t.stream('orders')]
      await t.append(stream, 'any', 1)
      t.record('create', await continuous(t, name, `fromStream('${stream}').when({ $any: () => { throw new Error('no') } })`))
      t.record('status', await statusWhen(t, name, 'Faulted (Enabled)'))
      t.record('reason given', (await statistics(t, name)).statereason.length > 0)
    },
  },
  {
    name: 'continuous: abort, enable, disable, delete',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('counting'), t.stream('orders')]
      await t.append(stream, 'any', 1)
      await continuous(t, name, counting(stream))
      await stateWhen(t, { name }, 'count', 1)
      t.record('delete while it runs', await call(t, 'Delete', { name }))
      t.record('abort', await call(t, 'Disable', { name, writeCheckpoint: false }))
      t.record('status', await statusWhen(t, name, 'Aborted/Stopped'))
      t.record('enable', await call(t, 'Enable', { name }))
      t.record('status then', await statusWhen(t, name, 'Running'))
      t.record('disable', await call(t, 'Disable', { name, writeCheckpoint: true }))
      t.record('status at last', await statusWhen(t, name, 'Stopped'))
      t.record('delete', await call(t, 'Delete', { name }))
      t.record('after that', await statusWhen(t, name, 'gone'))
    },
  },
  {
    name: 'continuous: an update of the query',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('counting'), t.stream('orders')]
      await t.append(stream, 'any', 2)
      await continuous(t, name, counting(stream))
      await stateWhen(t, { name }, 'count', 2)
      const query = `fromStream('${stream}').when({ $init: () => ({ count: 0 }), $any: (state) => { state.count += 10 } })`
      t.record('update', await call(t, 'Update', { name, query, noEmitOptions: {} }))
      await t.append(stream, 'any', 1)
      t.record('state', await stateWhen(t, { name }, 'count', 12))
    },
  },
  {
    name: 'transient: runs to the end',
    section: '10-js',
    async run(t) {
      const [name, stream] = [t.stream('asking'), t.stream('orders')]
      await t.append(stream, 'any', 3)
      t.record('create', await call(t, 'Create', { transient: { name }, query: counting(stream) }))
      const completed = async () => (await statistics(t, name))?.status.startsWith('Completed')
      t.record('completed', (await t.eventually(completed, (it) => it)) === true)
      t.record('mode', (await statistics(t, name)).mode)
      t.record('result', await result(t, { name }))
    },
  },
] satisfies Scenario[]
