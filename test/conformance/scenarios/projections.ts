// The projections service, as far as the system projections need it.
import type { Outgoing, Wire } from '../lib/codec.ts'
import { only } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'

const call = (t: Toolkit, method: string, options: Outgoing) => t.call('Projections', method, { options })
const system = ['$by_category', '$by_correlation_id', '$by_event_type', '$stream_by_category', '$streams']

const statistics = async (t: Toolkit, options: Outgoing): Promise<{ details: Wire[]; error?: Wire }> => {
  const inbox = t.serverStream('Projections', 'Statistics', { options }, {})
  const outcome = await inbox.outcome()
  return { details: inbox.messages.map(({ details }) => details), ...(outcome.error && outcome) }
}

export default [
  {
    name: 'statistics: a system projection',
    section: '10',
    async run(t) {
      const { details } = await statistics(t, { name: '$by_category' })
      t.record('fields', details.map(Object.keys))
      t.record(
        'fixed values',
        details.map((projection) => only(projection, 'name', 'effectivename', 'mode', 'status', 'statereason')),
      )
    },
  },
  {
    name: 'statistics: an unknown projection',
    section: '10',
    async run(t) {
      t.record('answer', await statistics(t, { name: t.stream('unknown') }))
    },
  },
  {
    name: 'statistics: all of a mode',
    section: '10',
    async run(t) {
      const names = async (mode: string) =>
        (await statistics(t, { [mode]: {} })).details
          .map(({ name }) => name)
          .filter((name) => system.includes(name))
          .sort()
      for (const mode of ['all', 'continuous', 'transient', 'oneTime']) t.record(mode, await names(mode))
    },
  },
  {
    name: 'enable: a system projection that runs',
    section: '10',
    async run(t) {
      for (const name of system) t.record(name, await call(t, 'Enable', { name }))
    },
  },
  {
    name: 'an unknown projection',
    section: '10',
    async run(t) {
      const name = t.stream('unknown')
      t.record('enable', await call(t, 'Enable', { name }))
      t.record('disable', await call(t, 'Disable', { name, writeCheckpoint: true }))
      t.record('reset', await call(t, 'Reset', { name, writeCheckpoint: true }))
      t.record('delete', await call(t, 'Delete', { name }))
      t.record('state', await call(t, 'State', { name }))
      t.record('result', await call(t, 'Result', { name }))
      t.record('update', await call(t, 'Update', { name, query: 'fromAll()', noEmitOptions: {} }))
    },
  },
  {
    name: 'disable and enable a system projection',
    section: '10',
    alone: true,
    async run(t) {
      const status = async () => (await statistics(t, { name: '$streams' })).details.map(({ status }) => status)
      t.record('disable', await call(t, 'Disable', { name: '$streams', writeCheckpoint: true }))
      t.record('stopped', await status())
      t.record('enable', await call(t, 'Enable', { name: '$streams' }))
      await t.sleep(1_000)
      t.record('running', await status())
    },
  },
] satisfies Scenario[]
