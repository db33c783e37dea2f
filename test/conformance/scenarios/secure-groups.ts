// A secure server: who may do what with persistent subscription groups and projections.
import type { Wire } from '../lib/codec.ts'
import { type GroupRequest, groupOn } from '../lib/group.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'
import { account, admin, nobody, ops, verdict } from '../lib/users.ts'

const everyone = async (t: Toolkit) => ({ nobody, user: await account(t, 'user'), ops, admin })

export default [
  {
    name: 'groups of a user stream',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) {
        const group = groupOn(t, t.stream('orders'))
        await groupOn(t, group.stream).create({ as: admin })
        const create = verdict(await group.create({ as }))
        if (create !== 'ok') await group.create({ as: admin })
        const consumer = await group.connect({ as })
        t.record(who, {
          create,
          read: verdict(consumer.confirmed() ? {} : consumer.first()),
          info: verdict(await t.persistent.info(group.stream, group.name, { as })),
          list: verdict(await t.persistent.list(group.stream, { as })),
          'list all': verdict(await t.persistent.list(undefined, { as })),
          replay: verdict(await group.replay({ as })),
          update: verdict(await group.update({ as })),
          delete: verdict(await group.remove({ as })),
        })
        consumer.cancel()
      }
    },
  },
  {
    name: 'groups of $all',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) {
        const group = groupOn(t, '$all')
        const options: GroupRequest = { from: 'end', filter: { on: 'stream', prefix: [t.stream('orders')] } }
        const create = verdict(await group.create({ ...options, as }))
        if (create !== 'ok') await group.create({ ...options, as: admin })
        const consumer = await group.connect({ as })
        t.record(who, {
          create,
          read: verdict(consumer.confirmed() ? {} : consumer.first()),
          info: verdict(await t.persistent.info('$all', group.name, { as })),
        })
        consumer.cancel()
        await group.remove({ as: admin })
      }
    },
  },
  {
    name: 'restarting the subsystem',
    section: '12',
    needs: 'tls',
    async run(t) {
      t.record('nobody', await t.persistent.restart({ as: nobody }))
      t.record('user', await t.persistent.restart({ as: await account(t, 'user') }))
    },
  },
  {
    name: 'reading a group needs the right to read its stream',
    section: '12',
    needs: 'tls',
    async run(t) {
      const stream = t.stream('orders')
      const [reader, other] = [await account(t, 'reader'), await account(t, 'other')]
      await t.append(stream, 'any', 1, { as: admin })
      await t.setMetadata(stream, 'any', { $acl: { $r: reader.user } }, { as: admin })
      const group = groupOn(t, stream)
      t.record('created by operations', await group.create({ as: ops }))
      for (const [who, as] of Object.entries({ reader, other, ops, admin })) {
        const consumer = await group.connect({ as })
        t.record(who, verdict(consumer.confirmed() ? {} : consumer.first()))
        consumer.cancel()
      }
    },
  },
  {
    name: 'the name of the user in the connections',
    section: '12',
    needs: 'tls',
    async run(t) {
      const group = groupOn(t, t.stream('orders'))
      await group.create({ as: admin })
      await group.connect({ as: admin })
      await group.connect({ as: await account(t, 'user') })
      t.record(
        'names',
        (await group.info({ as: admin })).connections.map(({ username }: Wire) => username),
      )
    },
  },
  {
    name: 'projections',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) {
        const name = t.stream('unknown')
        const statistics = t.serverStream('Projections', 'Statistics', { options: { name: '$streams' } }, { as })
        t.record(who, {
          statistics: verdict(await statistics.outcome()),
          enable: verdict(await t.call('Projections', 'Enable', { options: { name } }, { as })),
          state: verdict(await t.call('Projections', 'State', { options: { name } }, { as })),
          delete: verdict(await t.call('Projections', 'Delete', { options: { name } }, { as })),
        })
      }
    },
  },
] satisfies Scenario[]
