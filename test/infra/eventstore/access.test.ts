// Who may do what: principal × deed × kind of stream, against a store in memory.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Deed } from '../../../infra/embedded/eventstore/engine/access.ts'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { audienceOf, belongs } from '../../../infra/embedded/eventstore/security/audience.ts'
import { anonymous, type Principal, system } from '../../../infra/embedded/eventstore/security/principal.ts'
import { openStore, type Store } from '../../../infra/embedded/eventstore/store.ts'

const test = suite('eventstore access')

const user = (name: string, ...groups: string[]): Principal => ({ kind: 'user', name, groups })
const people = {
  system,
  anonymous,
  admin: user('admin', '$admins'),
  'administrator by group': user('ann', '$admins'),
  ops: user('ops', '$ops'),
  reader: user('reader'),
  staff: user('sue', 'staff'),
  other: user('other'),
  'user called system': user('system'),
  'user of other groups': user('x', 'admins', '$all', 'ops', 'admin'),
  'user called $ops': user('$ops'),
} satisfies Record<string, Principal>
type Person = keyof typeof people

const trusted: Person[] = ['system', 'admin', 'administrator by group']
const members: Person[] = [
  ...trusted,
  'ops',
  'reader',
  'staff',
  'other',
  'user called system',
  'user of other groups',
  'user called $ops',
]

function write(store: Store, stream: string, data: object | string): Promise<void> {
  const event = {
    id: randomUUID(),
    type: Buffer.from('$metadata'),
    isJson: true,
    metadata: Buffer.alloc(0),
    data: Buffer.from(typeof data === 'string' ? data : JSON.stringify(data)),
  }
  return new Promise((resolve, reject) =>
    store.writer.append(stream, any, [event], ({ kind }) => (kind === 'written' ? resolve() : reject(new Error(kind)))),
  )
}

async function withStore(run: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(undefined)
  try {
    await run(store)
  } finally {
    await store.close()
  }
}

function allowed(store: Store, stream: string): Record<Deed, Person[]> {
  const who = (deed: Deed) =>
    (Object.keys(people) as Person[]).filter((person) => store.access.allows(people[person], deed, stream)).sort()
  return { read: who('read'), write: who('write'), delete: who('delete') }
}

type Expected = Partial<Record<Deed, readonly Person[]>>
function expect(store: Store, stream: string, expected: Expected): void {
  const found = allowed(store, stream)
  for (const [deed, who] of Object.entries(expected)) assert.equal(found[deed as Deed], [...who].sort(), `${deed} ${stream}`)
}

test('the defaults: user streams for all who have an account, system streams and $all for administrators', () =>
  withStore(async (store) => {
    expect(store, 'orders', { read: members, write: members, delete: members })
    expect(store, '$$orders', { read: members, write: members, delete: ['system'] })
    expect(store, '$orders', { read: trusted, write: trusted, delete: trusted })
    expect(store, '$$$orders', { read: trusted, write: trusted, delete: ['system'] })
    expect(store, '$all', { read: trusted, write: ['system'], delete: ['system'] })
    expect(store, '$$$all', { read: trusted, write: trusted })
    expect(store, '$$$$orders', { read: trusted, write: trusted })
  }))

test('each right of an access list opens and closes one deed', () =>
  withStore(async (store) => {
    const some = [...trusted, 'reader', 'staff'] as const
    for (const [right, deed, ofMetadata] of [
      ['$r', 'read', false],
      ['$w', 'write', false],
      ['$d', 'delete', false],
      ['$mr', 'read', true],
      ['$mw', 'write', true],
    ] as const)
      for (const [stream, others] of [
        [`orders${right}`, members],
        [`$orders${right}`, trusted],
      ] as const) {
        await write(store, `$$${stream}`, { $acl: { [right]: ['reader', 'staff'] } })
        const all = { read: others, write: others, delete: others }
        expect(store, stream, ofMetadata ? all : { ...all, [deed]: some })
        expect(store, `$$${stream}`, { read: others, write: others, delete: ['system'], ...(ofMetadata && { [deed]: some }) })
      }
  }))

test('a list of nobody, of everybody, and one that is none', () =>
  withStore(async (store) => {
    for (const [metadata, read] of [
      [{ $acl: { $r: [] } }, trusted],
      [{ $acl: { $r: '' } }, trusted],
      [{ $acl: { $r: '$admins' } }, trusted],
      [{ $acl: { $r: '$ops' } }, [...trusted, 'ops', 'user called $ops']],
      [{ $acl: { $r: ['other', '$all'] } }, members],
      [{ $acl: { $r: 5, $w: 'reader' } }, members],
      [{ $acl: { $r: 'reader', $x: 'reader' } }, members],
      [{ $acl: 'reader' }, members],
      [{ $acl: { $r: 'reader' }, $maxCount: 'x' }, members],
      ['{"$acl":{"$r":"reader"}', members],
    ] as const) {
      await write(store, '$$orders', metadata)
      expect(store, 'orders', { read })
    }
    await write(store, '$$$all', { $acl: { $r: 'reader', $w: 'reader', $d: 'reader' } })
    expect(store, '$all', { read: [...trusted, 'reader'], write: ['system'], delete: ['system'] })
  }))

test('$settings has the defaults of both kinds, right by right, and the list of a stream goes before them', () =>
  withStore(async (store) => {
    await write(store, '$$mine', { $acl: { $r: 'other' } })
    await write(store, '$settings', { $userStreamAcl: { $r: 'reader' }, $systemStreamAcl: { $r: ['staff'], $mw: '$all' } })
    expect(store, 'orders', { read: [...trusted, 'reader'], write: members, delete: members })
    expect(store, 'mine', { read: [...trusted, 'other'], write: members })
    expect(store, '$orders', { read: [...trusted, 'staff'], write: trusted })
    expect(store, '$$$orders', { read: trusted, write: members })
    expect(store, '$all', { read: [...trusted, 'staff'], write: ['system'] })
    await write(store, '$settings', 'not JSON')
    expect(store, 'orders', { read: members })
    expect(store, '$orders', { read: trusted })
  }))

test('methods are for anyone, users, operators or administrators; what has no rule is for administrators', () => {
  const among = (path: string) =>
    (Object.keys(people) as Person[]).filter((person) => belongs(people[person], audienceOf(`/event_store.client.${path}`))).sort()
  const everybody = Object.keys(people).sort()
  for (const [path, who] of [
    ['server_features.ServerFeatures/GetSupportedMethods', everybody],
    ['gossip.Gossip/Read', everybody],
    ['streams.Streams/BatchAppend', everybody],
    ['streams.Streams/Append', members],
    ['persistent_subscriptions.PersistentSubscriptions/Create', [...trusted, 'ops']],
    ['persistent_subscriptions.PersistentSubscriptions/RestartSubsystem', [...trusted, 'ops']],
    ['persistent_subscriptions.PersistentSubscriptions/List', members],
    ['persistent_subscriptions.PersistentSubscriptions/Read', members],
    ['users.Users/Create', trusted],
    ['users.Users/Details', members],
    ['projections.Projections/Enable', members],
    ['projections.Projections/Delete', [...trusted, 'ops']],
    ['operations.Operations/Shutdown', trusted],
    ['constructor/constructor', trusted],
  ] as const)
    assert.equal(among(path), [...who].sort(), path)
})

test.run()
