// A secure server: who may do what under the default rules, and credentials.
import type { Credentials } from '../lib/connection.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'
import { account, admin, nobody, ops, verdict } from '../lib/users.ts'

// What somebody may do with streams of that name, each try on a stream of its own.
const tries = async (t: Toolkit, name: () => string, as: Credentials | null) => {
  const stream = async () => {
    const fresh = name()
    await t.append(fresh, 'any', 1, { as: admin })
    await t.setMetadata(fresh, 'any', { note: 1 }, { as: admin })
    return fresh
  }
  const [written, read, removed, buried] = [await stream(), await stream(), await stream(), await stream()]
  const subscription = t.subscribe(read, { as })
  await subscription.until((messages, closed) => messages.length > 0 || closed, 3_000)
  const result = {
    append: verdict(await t.append(written, 'any', 1, { as })),
    batch: verdict(await t.batch(written, 'any', 1, { as })),
    read: verdict(await t.read(read, { as })),
    'read backwards': verdict(await t.read(read, { as, direction: 'backwards', count: 1 })),
    subscribe: verdict(subscription.closed ?? {}),
    'read metadata': verdict(await t.read(`$$${read}`, { as })),
    'write metadata': verdict(await t.setMetadata(read, 'any', { note: 2 }, { as })),
    delete: verdict(await t.delete(removed, 'any', { as })),
    tombstone: verdict(await t.tombstone(buried, 'any', { as })),
  }
  subscription.cancel()
  return result
}

const everyone = async (t: Toolkit) => ({ nobody, user: await account(t, 'user'), ops, admin })

export default [
  {
    name: 'user streams under the default rules',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) t.record(who, await tries(t, () => t.stream('orders'), as))
    },
  },
  {
    name: 'system streams under the default rules',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) t.record(who, await tries(t, () => t.stream('$orders'), as))
    },
  },
  {
    name: '$all under the default rules',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries(await everyone(t))) {
        const subscription = t.subscribe('$all', { as, from: 'end' })
        await subscription.until((messages, closed) => messages.length > 0 || closed, 3_000)
        t.record(who, {
          read: verdict(await t.readAll({ as, count: 1 })),
          'read backwards': verdict(await t.readAll({ as, count: 1, direction: 'backwards' })),
          'read filtered': verdict(
            await t.readAll({ as, direction: 'backwards', count: 1, filter: { on: 'stream', prefix: ['$settings'] } }),
          ),
          subscribe: verdict(subscription.closed ?? {}),
        })
        subscription.cancel()
      }
    },
  },
  {
    name: 'nobody can write or delete $all',
    section: '12',
    needs: 'tls',
    async run(t) {
      for (const [who, as] of Object.entries({ ops, admin }))
        t.record(who, {
          append: verdict(await t.append('$all', 'any', 1, { as })),
          delete: verdict(await t.delete('$all', 'any', { as })),
        })
    },
  },
  {
    name: 'a metadata stream can not be deleted, even by an administrator',
    section: '12',
    needs: 'tls',
    async run(t) {
      const stream = t.stream('orders')
      await t.setMetadata(stream, 'any', { a: 1 }, { as: admin })
      t.record('user', verdict(await t.delete(`$$${stream}`, 'any', { as: await account(t, 'user') })))
      t.record('admin', verdict(await t.delete(`$$${stream}`, 'any', { as: admin })))
    },
  },
  {
    name: 'credentials that are wrong',
    section: '12',
    needs: 'tls',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1, { as: admin })
      const wrong = { user: 'admin', password: 'wrong' }
      const unknown = { user: `nobody${t.run}`, password: 'changeit' }
      for (const [label, as] of Object.entries({
        'wrong password': wrong,
        'unknown user': unknown,
        'empty password': { user: 'admin', password: '' },
      })) {
        t.record(label, await t.read(stream, { as }))
        t.record(`${label}: append`, await t.append(stream, 'any', 1, { as }))
        t.record(`${label}: features`, verdict(await t.call('ServerFeatures', 'GetSupportedMethods', {}, { as })))
      }
    },
  },
  {
    name: 'credentials that are malformed',
    section: '12',
    needs: 'tls',
    async run(t) {
      const stream = t.stream('orders')
      await t.append(stream, 'any', 1, { as: admin })
      for (const authorization of [
        'Basic',
        'Basic ???',
        `Basic ${Buffer.from('admin').toString('base64')}`,
        'Bearer abc',
        'nonsense',
      ])
        t.record(authorization, verdict(await t.read(stream, { as: nobody, metadata: { authorization } })))
      const lower = `basic ${Buffer.from('admin:changeit').toString('base64')}`
      t.record('scheme in lower case', verdict(await t.read(stream, { as: nobody, metadata: { authorization: lower } })))
    },
  },
  {
    name: 'what needs no credentials',
    section: '12',
    needs: 'tls',
    async run(t) {
      t.record('features', verdict(await t.call('ServerFeatures', 'GetSupportedMethods', {}, { as: nobody })))
      t.record('gossip', verdict(await t.call('client.gossip.Gossip', 'Read', {}, { as: nobody })))
    },
  },
  {
    name: 'http without credentials and with wrong ones',
    section: '12',
    needs: 'tls',
    async run(t) {
      const wrong = { user: 'admin', password: 'wrong' }
      for (const path of ['/health/live', '/ping', '/info', '/info/options', '/gossip', '/stats', '/subscriptions'])
        t.record(path, {
          nobody: (await t.http('GET', path, { as: nobody })).status,
          wrong: (await t.http('GET', path, { as: wrong })).status,
          ops: (await t.http('GET', path, { as: ops })).status,
          admin: (await t.http('GET', path, { as: admin })).status,
        })
    },
  },
  {
    name: 'the answer when access is denied',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = await account(t, 'user')
      t.record('append', await t.append(t.stream('$system'), 'any', 1, { as: user }))
      t.record('batch', await t.batch(t.stream('$system'), 'any', 1, { as: user }))
      t.record('read', await t.read('$all', { as: user, count: 1 }))
      t.record('delete', await t.delete(t.stream('$system'), 'any', { as: user }))
    },
  },
] satisfies Scenario[]
