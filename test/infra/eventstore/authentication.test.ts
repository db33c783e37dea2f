// Accounts and passwords, against a store in memory.
import { createHash } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { code, Status } from '../../../infra/embedded/eventstore/grpc/status.ts'
import { basicAuthentication } from '../../../infra/embedded/eventstore/security/authentication.ts'
import { createDefaultUsers } from '../../../infra/embedded/eventstore/security/default-users.ts'
import type { Authenticate } from '../../../infra/embedded/eventstore/security/guard.ts'
import { hashPassword, isPassword } from '../../../infra/embedded/eventstore/security/passwords.ts'
import { anonymous } from '../../../infra/embedded/eventstore/security/principal.ts'
import { SlowWork } from '../../../infra/embedded/eventstore/security/slow-work.ts'
import { Users } from '../../../infra/embedded/eventstore/security/users.ts'
import { openStore, type Store } from '../../../infra/embedded/eventstore/store.ts'

const test = suite('eventstore authentication')

const basic = (login: string, password: string) => `Basic ${Buffer.from(`${login}:${password}`).toString('base64')}`
const somebody = (loginName: string, password: string, ...groups: string[]) => ({
  loginName,
  fullName: 'Some Body',
  groups,
  password,
})

async function withUsers(run: (users: Users, authenticate: Authenticate, store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(undefined)
  const users = new Users(store)
  try {
    await run(users, basicAuthentication(users), store)
  } finally {
    await store.close()
  }
}

/** The name and groups of who is admitted, or the code of the refusal. */
async function outcome(authenticate: Authenticate, header: string | undefined): Promise<unknown> {
  try {
    const { name, groups } = await authenticate(header)
    return [name, ...groups]
  } catch (error) {
    assert.instance(error, Status)
    return (error as Status).code
  }
}

async function refusal(run: () => Promise<unknown>): Promise<string> {
  try {
    await run()
    return 'none'
  } catch (error) {
    return (error as Status).trailers?.exception ?? String((error as Status).code)
  }
}

const isSlow = (authenticate: Authenticate, header: string) => authenticate(header) instanceof Promise

test('a password is known by its salted hash only', async () => {
  const [one, other] = await Promise.all([hashPassword('s3cret'), hashPassword('s3cret')])
  assert.is.not(one.hash, other.hash)
  assert.is.not(one.salt, other.salt)
  assert.not.match(JSON.stringify(one), 's3cret')
  assert.is(await isPassword('s3cret', one), true)
  assert.is(await isPassword('S3cret', one), false)
  assert.is(await isPassword('s3cret', { ...one, salt: other.salt }), false)
  assert.is(await isPassword('s3cret', undefined), false)
  for (const hash of ['', 's3cret', 'scrypt:1:1:1:', 'scrypt:16384:8:1:===='])
    assert.is(await isPassword('s3cret', { ...one, hash }), false, hash)
})

test('the header is read as EventStoreDB reads it', () =>
  withUsers(async (users, authenticate) => {
    await users.create(somebody('ann', 'pa:ss wörd', 'staff'))
    const encoded = basic('ann', 'pa:ss wörd').slice('Basic '.length)
    for (const [header, expected] of [
      [undefined, ['anonymous']],
      ['', ['anonymous']],
      [`Basic ${encoded}`, ['ann', 'staff']],
      [`Basic   ${encoded}  `, ['ann', 'staff']],
      [`basic ${encoded}`, ['anonymous']],
      [`BASIC ${encoded}`, ['anonymous']],
      [`Basically ${encoded}`, ['anonymous']],
      ['Bearer abc', ['anonymous']],
      ['nonsense', ['anonymous']],
      [`Basic ${Buffer.from('ann').toString('base64')}`, ['anonymous']],
      ['Basic', code.unknown],
      ['Basic ', code.unknown],
      ['Basic ???', code.unknown],
      ['Basic YWRtaW4', code.unknown],
      [basic('ann', ''), code.unauthenticated],
      [basic('ann', 'pa'), code.unauthenticated],
      [basic('Ann', 'pa:ss wörd'), code.unauthenticated],
      [basic('', ''), code.unauthenticated],
      [basic('nobody', 'x'), code.unauthenticated],
    ] as const)
      assert.equal(await outcome(authenticate, header), expected, header)
    assert.is(authenticate(undefined), anonymous)
  }))

test('a slow hash is made once, also for many calls at once, and for a wrong password too', () =>
  withUsers(async (users, authenticate) => {
    await users.create(somebody('ann', 'right'))
    const header = basic('ann', 'right')
    const first = authenticate(header)
    assert.is(authenticate(header), first)
    await first
    assert.is(isSlow(authenticate, header), false)
    assert.is(await outcome(authenticate, basic('ann', 'wrong')), code.unauthenticated)
    assert.throws(() => authenticate(basic('ann', 'wrong')), 'Unauthenticated')
    await users.create(somebody('bob', 'x'))
    assert.is(isSlow(authenticate, header), false, 'another account has changed')
  }))

test('what changes an account holds for the next call', () =>
  withUsers(async (users, authenticate) => {
    const refused = code.unauthenticated
    const [first, second, third] = [basic('ann', 'first'), basic('ann', 'second'), basic('ann', 'third')]
    const expect = async (...outcomes: unknown[]) =>
      assert.equal(await Promise.all([first, second, third].map((header) => outcome(authenticate, header))), outcomes)
    await expect(refused, refused, refused)
    await users.create(somebody('ann', 'first', 'staff'))
    await expect(['ann', 'staff'], refused, refused)
    await users.changePassword('ann', 'first', 'second')
    await expect(refused, ['ann', 'staff'], refused)
    await users.update('ann', 'Ann', ['others', 'guests'])
    await expect(refused, ['ann', 'others', 'guests'], refused)
    await users.setDisabled('ann', true)
    await expect(refused, refused, refused)
    await users.resetPassword('ann', 'third')
    await expect(refused, refused, refused)
    await users.setDisabled('ann', false)
    await expect(refused, refused, ['ann', 'others', 'guests'])
    await users.remove('ann')
    await expect(refused, refused, refused)
    await users.create(somebody('ann', 'first'))
    await expect(['ann'], refused, refused)
  }))

test('a password that is changed while it is being checked is not admitted', () =>
  withUsers(async (users, authenticate) => {
    await users.create(somebody('ann', 'first'))
    const underWay = outcome(authenticate, basic('ann', 'first'))
    await users.setDisabled('ann', true)
    assert.is(await underWay, code.unauthenticated)
  }))

test('accounts are made, changed and removed once', () =>
  withUsers(async (users) => {
    const bob = somebody('bob', 'x')
    assert.is(await refusal(() => users.create(somebody('ann', 'one'))), 'none')
    assert.is(await refusal(() => users.create(somebody('ann', 'one'))), 'none')
    assert.is(await refusal(() => users.create(somebody('ann', 'two'))), 'user-conflict')
    const both = await Promise.all([refusal(() => users.create(bob)), refusal(() => users.create({ ...bob, password: 'y' }))])
    assert.equal(both.sort(), ['none', 'user-conflict'])
    assert.is(await refusal(() => users.changePassword('ann', 'two', 'three')), 'access-denied')
    const change = (password: string) => refusal(() => users.changePassword('ann', 'one', password))
    assert.equal((await Promise.all([change('two'), change('three')])).sort(), ['none', 'user-conflict'])
    for (const run of [
      () => users.update('carl', '', []),
      () => users.setDisabled('carl', true),
      () => users.resetPassword('carl', 'x'),
      () => users.changePassword('carl', 'x', 'y'),
      () => users.remove('carl'),
    ])
      assert.is(await refusal(run), 'user-not-found')
    await users.remove('bob')
    assert.is(await refusal(() => users.remove('bob')), 'user-not-found')
    assert.equal(
      users.all().map(({ loginName }) => loginName),
      ['ann'],
    )
    await users.create(bob)
    assert.equal(
      users.all().map(({ loginName }) => loginName),
      ['ann', 'bob'],
    )
  }))

test('what no account can have is refused', () =>
  withUsers(async (users) => {
    const long = 'x'.repeat(1_025)
    for (const user of [
      somebody('', 'x'),
      somebody('ann', ''),
      somebody(long, 'x'),
      somebody('ann', long),
      somebody('ann', 'x', long),
      somebody('ann', 'x', ...Array.from({ length: 1_001 }, String)),
      { ...somebody('ann', 'x'), fullName: long },
    ])
      assert.is(await refusal(() => users.create(user)), String(code.invalidArgument))
    assert.equal(users.all(), [])
  }))

test('the two default accounts are made once, with the passwords given; one that was removed stays away', () =>
  withUsers(async (users, authenticate) => {
    await createDefaultUsers(users, { ops: 'mine' })
    await createDefaultUsers(users, { admin: 'other' })
    assert.equal(await outcome(authenticate, basic('admin', 'changeit')), ['admin', '$admins'])
    assert.equal(await outcome(authenticate, basic('ops', 'mine')), ['ops', '$ops'])
    await users.remove('ops')
    await createDefaultUsers(users, {})
    assert.equal(
      users.all().map(({ loginName }) => loginName),
      ['admin'],
    )
  }))

test('the log holds no password, and only administrators may read the hashes', () =>
  withUsers(async (users, authenticate, store) => {
    await users.create(somebody('ann', 'first-password', 'staff'))
    await users.changePassword('ann', 'first-password', 'second-password')
    await authenticate(basic('ann', 'second-password'))
    const secrets = ['first-password', 'second-password'].flatMap((secret) => [
      secret,
      Buffer.from(secret).toString('base64'),
      createHash('sha256').update(secret).digest('base64'),
    ])
    store.log.scanAll(0, store.feed.position, false, (_position, record) => {
      for (const secret of secrets) assert.not.ok(record.includes(secret))
      return true
    })
    const staff = { kind: 'user', name: 'sue', groups: ['staff'] } as const
    const opened = { $systemStreamAcl: { $r: '$all', $w: '$all', $d: '$all', $mr: '$all', $mw: '$all' } }
    const event = {
      id: '00000000-0000-4000-8000-000000000001',
      type: Buffer.from('settings'),
      isJson: true,
      metadata: Buffer.alloc(0),
      data: Buffer.from(JSON.stringify(opened)),
    }
    await new Promise((resolve) => store.writer.append('$settings', any, [event], resolve))
    assert.is(store.access.allows(staff, 'read', '$anything'), true)
    for (const deed of ['read', 'write', 'delete'] as const) assert.is(store.access.allows(staff, deed, '$user-ann'), false, deed)
    assert.is(store.access.allows(staff, 'write', '$$$user-ann'), false)
    assert.is(store.access.allows(staff, 'write', '$user-nobody-yet'), false)
    assert.is(store.access.allows(staff, 'read', '$$$user-nobody-yet'), false)
  }))

test('what others wrote into the stream of an account admits nobody and is not told to anybody', () =>
  withUsers(async (users, authenticate, store) => {
    await users.create(somebody('ann', 'first'))
    for (const [n, data] of ['no JSON, but secret', '{"loginName":"ann"}', '[]', 'null'].entries()) {
      const id = `00000000-0000-4000-8000-00000000000${n}`
      const event = { id, type: Buffer.from('x'), isJson: true, metadata: Buffer.alloc(0), data: Buffer.from(data) }
      await new Promise((resolve) => store.writer.append('$user-ann', any, [event], resolve))
      assert.is(await outcome(authenticate, basic('ann', 'first')), code.unauthenticated)
    }
    assert.equal(users.all(), [])
    await users.create(somebody('ann', 'again'))
    assert.equal(await outcome(authenticate, basic('ann', 'again')), ['ann'])
  }))

test('slow work: few at once, some wait in order, more are refused', async () => {
  const work = new SlowWork(2, 3)
  const ends: (() => void)[] = []
  const begun: number[] = []
  const task = (n: number) =>
    work.run(async () => {
      begun.push(n)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (n === 1) throw new Error('one')
      return n
    })
  const results = Promise.allSettled([1, 2, 3, 4, 5, 6, 7].map(task))
  while (begun.length < 5) {
    for (const end of ends.splice(0)) end()
    await new Promise((resolve) => setImmediate(resolve))
  }
  for (const end of ends) end()
  assert.equal(begun, [1, 2, 3, 4, 5])
  const settled = (await results).map((result) => (result.status === 'fulfilled' ? result.value : result.reason.code))
  assert.equal(settled, [undefined, 2, 3, 4, 5, code.unavailable, code.unavailable])
  assert.is(await work.run(async () => 'free again'), 'free again')
})

test.run()
