// A secure server: access lists of streams, and the defaults for all of them.
import type { Wire } from '../lib/codec.ts'
import type { Credentials } from '../lib/connection.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'
import { account, admin, nobody, ops, verdict } from '../lib/users.ts'

// A stream with one event and this access list.
const guarded = async (t: Toolkit, acl: object, name = 'orders') => {
  const stream = t.stream(name)
  await t.append(stream, 'any', 1, { as: admin })
  await t.setMetadata(stream, 'any', { $acl: acl }, { as: admin })
  return stream
}

const each = async (people: Record<string, Credentials | null>, attempt: (as: Credentials | null) => Promise<Wire>) => {
  const result: Record<string, string> = {}
  for (const [who, as] of Object.entries(people)) result[who] = verdict(await attempt(as))
  return result
}

export default [
  {
    name: 'acl: read by one user',
    section: '12',
    needs: 'tls',
    async run(t) {
      const reader = await account(t, 'reader')
      const people = { nobody, reader, other: await account(t, 'other'), ops, admin }
      const stream = await guarded(t, { $r: reader.user })
      t.record('read', await each(people, (as) => t.read(stream, { as })))
      t.record('append stays open', await each(people, (as) => t.append(stream, 'any', 1, { as })))
      t.record('metadata stays open', await each(people, (as) => t.read(`$$${stream}`, { as })))
    },
  },
  {
    name: 'acl: read by a list of users and groups',
    section: '12',
    needs: 'tls',
    async run(t) {
      const group = `staff${t.run}`
      const [named, member, other] = [await account(t, 'named'), await account(t, 'member', [group]), await account(t, 'other')]
      const stream = await guarded(t, { $r: [named.user, group] })
      t.record('read', await each({ nobody, named, member, other, ops, admin }, (as) => t.read(stream, { as })))
    },
  },
  {
    name: 'acl: everyone, and no one',
    section: '12',
    needs: 'tls',
    async run(t) {
      const people = { nobody, user: await account(t, 'user'), ops, admin }
      for (const [label, role] of [
        ['everyone', '$all'],
        ['no one', []],
        ['administrators', '$admins'],
        ['operators', '$ops'],
        ['empty text', ''],
      ] as const) {
        const stream = await guarded(t, { $r: role })
        t.record(label, await each(people, (as) => t.read(stream, { as })))
      }
    },
  },
  {
    name: 'acl: write',
    section: '12',
    needs: 'tls',
    async run(t) {
      const writer = await account(t, 'writer')
      const people = { nobody, writer, other: await account(t, 'other'), ops, admin }
      const stream = await guarded(t, { $w: writer.user })
      t.record('append', await each(people, (as) => t.append(stream, 'any', 1, { as })))
      t.record('batch', await each(people, (as) => t.batch(stream, 'any', 1, { as })))
      t.record('delete stays open', await each({ other: people.other }, (as) => t.delete(stream, 'any', { as })))
    },
  },
  {
    name: 'acl: delete',
    section: '12',
    needs: 'tls',
    async run(t) {
      const remover = await account(t, 'remover')
      const people = { nobody, other: await account(t, 'other'), ops, remover }
      const [soft, hard] = [await guarded(t, { $d: remover.user }), await guarded(t, { $d: remover.user })]
      t.record('delete', await each(people, (as) => t.delete(soft, 'any', { as })))
      t.record('tombstone', await each(people, (as) => t.tombstone(hard, 'any', { as })))
    },
  },
  {
    name: 'acl: metadata',
    section: '12',
    needs: 'tls',
    async run(t) {
      const keeper = await account(t, 'keeper')
      const people = { nobody, keeper, other: await account(t, 'other'), ops, admin }
      const read = await guarded(t, { $mr: keeper.user })
      t.record('read metadata', await each(people, (as) => t.read(`$$${read}`, { as })))
      t.record(
        'write metadata is open',
        verdict(await t.setMetadata(read, 'any', { $acl: { $mr: keeper.user } }, { as: people.other })),
      )
      const write = await guarded(t, { $mw: keeper.user })
      t.record('write metadata', await each(people, (as) => t.setMetadata(write, 'any', { $acl: { $mw: keeper.user } }, { as })))
      const metadata = () => [t.event({ type: '$metadata', data: JSON.stringify({ $acl: { $mw: keeper.user } }) })]
      t.record('batch', await each(people, (as) => t.batch(`$$${write}`, 'any', metadata(), { as })))
    },
  },
  {
    name: 'acl: a system stream opened to a user',
    section: '12',
    needs: 'tls',
    async run(t) {
      const reader = await account(t, 'reader')
      const people = { nobody, reader, other: await account(t, 'other'), ops, admin }
      const stream = await guarded(t, { $r: reader.user }, '$audit')
      t.record('read', await each(people, (as) => t.read(stream, { as })))
      t.record('append', await each(people, (as) => t.append(stream, 'any', 1, { as })))
    },
  },
  {
    name: 'acl: an invalid list is no list',
    section: '12',
    needs: 'tls',
    async run(t) {
      const people = { user: await account(t, 'user'), ops }
      for (const [label, metadata] of [
        ['a number', { $acl: { $r: 5 } }],
        ['not an object', { $acl: 'me' }],
        ['unknown keys', { $acl: { $x: 'me' } }],
      ] as const) {
        const stream = t.stream('orders')
        await t.append(stream, 'any', 1, { as: admin })
        await t.setMetadata(stream, 'any', metadata, { as: admin })
        t.record(label, await each(people, (as) => t.read(stream, { as })))
      }
    },
  },
  {
    name: 'acl: a target that may not be read, through a link',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = await account(t, 'user')
      const target = await guarded(t, { $r: '$admins' }, 'secret')
      const stream = t.stream('links')
      await t.append(stream, 'any', [t.event({ type: '$>', data: `0@${target}` })], { as: admin })
      t.record('target itself', verdict(await t.read(target, { as: user })))
      const read = await t.read(stream, { as: user, resolveLinks: true })
      t.record('through the link', t.brief(read.messages))
    },
  },
  {
    name: 'acl: a running subscription loses its right',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = await account(t, 'user')
      const stream = await guarded(t, { $r: '$all' })
      const subscription = t.subscribe(stream, { as: user })
      await subscription.until((messages) => messages.some((message) => message.caughtUp))
      await t.setMetadata(stream, 'any', { $acl: { $r: '$admins' } }, { as: admin })
      await t.append(stream, 'any', 1, { as: admin })
      t.record('outcome', await subscription.outcome(3_000))
      t.record('messages', t.brief(subscription.messages))
      subscription.cancel()
    },
  },
  {
    name: 'settings: other defaults for every stream',
    section: '12',
    needs: 'tls',
    alone: true,
    async run(t) {
      const reader = await account(t, 'reader')
      const people = { nobody, reader, other: await account(t, 'other'), ops, admin }
      const [open, listed, system] = [t.stream('orders'), await guarded(t, { $r: '$all' }), t.stream('$audit')]
      for (const stream of [open, system]) await t.append(stream, 'any', 1, { as: admin })
      const settings = (json: object) =>
        t.append('$settings', 'any', [t.event({ type: 'update-default-acl', json })], { as: admin })
      const rights = (read: string | string[]) => ({ $r: read, $w: '$all', $d: '$all', $mr: '$all', $mw: '$all' })
      try {
        t.record(
          'set',
          verdict(
            await settings({
              $userStreamAcl: rights(reader.user),
              $systemStreamAcl: { ...rights(['$admins', reader.user]), $w: '$admins' },
            }),
          ),
        )
        await t.sleep(1_000)
        t.record('user stream', await each(people, (as) => t.read(open, { as })))
        t.record('user stream with a list of its own', await each(people, (as) => t.read(listed, { as })))
        t.record('system stream', await each(people, (as) => t.read(system, { as })))
        t.record('$all', await each(people, (as) => t.readAll({ as, count: 1 })))
      } finally {
        const administrators = { $r: '$admins', $w: '$admins', $d: '$admins', $mr: '$admins', $mw: '$admins' }
        await settings({ $userStreamAcl: rights('$all'), $systemStreamAcl: administrators })
        await t.sleep(1_000)
      }
      t.record('restored', await each({ other: people.other }, (as) => t.read(open, { as })))
    },
  },
] satisfies Scenario[]
