// A server with a certificate, through the clients that people use.
import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import {
  AccessDeniedError,
  binaryEvent,
  type Credentials,
  EventStoreDBClient,
  eventTypeFilter,
  jsonEvent,
  persistentSubscriptionToStreamSettingsFromDefaults,
  START,
  StreamNotFoundError,
} from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openServer } from '../../../infra/embedded/eventstore/server.ts'
import { startEmbeddedEventStore } from '../../../infra/embedded/eventstore/start.ts'
import { type Connection, connect } from '../../conformance/lib/connection.ts'
import { loadSchema } from '../../conformance/lib/schema.ts'
import { testCertificate } from '../../support/certificates.ts'
import { eventually, scratch, standalone, tick, withoutOptions } from './support.ts'

const test = suite('eventstore with a certificate')

const schema = loadSchema()
const certificate = testCertificate()
const directory = scratch()
const file = (name: string, content: string) => {
  writeFileSync(join(directory, name), content)
  return join(directory, name)
}
const ca = file('ca.crt', certificate.ca)
const certificateFile = file('server.crt', certificate.cert)
const privateKeyFile = file('server.key', certificate.key)

/** The connection string as a person would write it. */
const withCredentials = (address: string, user: string) =>
  `${address.replace('esdb://', `esdb://${user}@`)}&tlsCAFile=${encodeURIComponent(ca)}`

const secured = (connectionString: string): Connection =>
  connect(new URL(connectionString).host, schema, {
    ca: Buffer.from(certificate.ca),
    user: { user: 'admin', password: 'changeit' },
  })

interface Running {
  readonly connectionString: string
  close(): Promise<void>
}

/** In this thread: a worker for each test would take longer than the tests. */
async function inThisThread(): Promise<Running> {
  const { host, port, close } = await openServer({ directory: undefined, host: '127.0.0.1', port: 0, certificate })
  return { connectionString: `esdb://${host}:${port}?tls=true`, close }
}

interface World {
  readonly store: Running
  readonly admin: EventStoreDBClient
  /** A client of a new user. */
  user(login: string, groups?: readonly string[]): Promise<EventStoreDBClient>
  manage(method: string, options: object): Promise<unknown>
}

async function withSecureStore(run: (world: World) => Promise<void>, start: () => Promise<Running> = inThisThread): Promise<void> {
  const store = await start()
  const clients: EventStoreDBClient[] = []
  const connection = secured(store.connectionString)
  const client = (user: string) => {
    const made = EventStoreDBClient.connectionString(withCredentials(store.connectionString, user))
    clients.push(made)
    return made
  }
  const manage = async (method: string, options: object) =>
    (await connection.unary('Users', method, { options } as Parameters<Connection['unary']>[2])).error
  try {
    await run({
      store,
      admin: client('admin:changeit'),
      async user(login, groups = []) {
        await manage('Create', { loginName: login, password: `${login}-pass`, fullName: login, groups })
        return client(`${login}:${login}-pass`)
      },
      manage,
    })
  } finally {
    for (const made of clients) await made.dispose()
    connection.close()
    await store.close()
  }
}

async function failure(run: () => Promise<unknown>): Promise<unknown> {
  try {
    await run()
    return undefined
  } catch (error) {
    return error
  }
}

async function typesIn(client: EventStoreDBClient, stream: string, credentials?: Credentials): Promise<string[]> {
  const types: string[] = []
  for await (const { event } of client.readStream(stream, credentials ? { credentials } : {})) types.push(event!.type)
  return types
}

const isDenied = async (run: () => Promise<unknown>) => assert.instance(await failure(run), AccessDeniedError)

test('the client appends, reads and subscribes over TLS with the credentials of its connection string', () =>
  withSecureStore(
    async ({ store, admin, user }) => {
      assert.match(store.connectionString, /^esdb:\/\/127\.0\.0\.1:\d+\?tls=true$/)
      const ann = await user('ann')
      const subscription = ann.subscribeToStream('ticks', { fromRevision: START })
      await ann.appendToStream('ticks', [tick(1), tick(2)])
      // Credentials of a single call go before those of the client, and the client then calls Append.
      await ann.appendToStream('ticks', tick(3, 'Tocked'), { credentials: { username: 'ops', password: 'changeit' } })
      const received: string[] = []
      for await (const { event } of subscription) if (received.push(event!.type) === 3) break
      assert.equal(received, ['Ticked', 'Ticked', 'Tocked'])
      assert.equal(await typesIn(ann, 'ticks'), received)
      await isDenied(async () => {
        for await (const _ of ann.readAll({ maxCount: 1 }));
      })
      for await (const { event } of admin.readAll({ maxCount: 1 })) assert.ok(event)
      await isDenied(() => ann.appendToStream('$system', tick(1)))
      await admin.appendToStream('$system', tick(1))
      await ann.deleteStream('ticks')
      assert.instance(await failure(() => typesIn(ann, 'ticks')), StreamNotFoundError)
    },
    () => startEmbeddedEventStore({ directory: undefined, port: 0, certificate }),
  ))

test('a wrong password, and nobody, are refused; a denied append leaves the others of its call alone', () =>
  withSecureStore(async ({ store, user }) => {
    const ann = await user('ann')
    const open = ann.appendToStream('ticks', tick(1))
    const denied = failure(() => ann.appendToStream('$system', tick(1)))
    assert.ok((await open).success)
    assert.instance(await denied, AccessDeniedError)
    await isDenied(() => typesIn(ann, 'ticks', { username: 'ann', password: 'wrong' }))
    const nobody = EventStoreDBClient.connectionString(`${store.connectionString}&tlsCAFile=${encodeURIComponent(ca)}`)
    await isDenied(() => nobody.appendToStream('ticks', tick(1)))
    await isDenied(() => typesIn(nobody, 'ticks'))
    await nobody.dispose()
    assert.equal(await typesIn(ann, 'ticks'), ['Ticked'])
  }))

test('what is sent before it is known who sends it is kept, or let go with the call', () =>
  withSecureStore(async ({ store }) => {
    const admin = { user: 'admin', password: 'changeit' }
    const wrong = { user: 'admin', password: 'wrong' }
    const options = { options: { streamIdentifier: { streamName: 'blobs' }, any: {} } }
    const blob = {
      proposedMessage: {
        id: { string: randomUUID() },
        metadata: { type: 'blob', 'content-type': 'x' },
        data: Buffer.alloc(900_000),
      },
    }
    // Each of these is the first with its credentials on a connection of its own, and so has to wait for a slow hash.
    for (const [as, messages, code] of [
      [admin, [], 'UNKNOWN'],
      [wrong, [], 'UNAUTHENTICATED'],
      [{ ...wrong, password: 'worse' }, [options, ...Array.from({ length: 40 }, () => blob)], 'UNAUTHENTICATED'],
      [{ ...admin, user: 'ops' }, [options, blob], undefined],
    ] as const) {
      const connection = secured(store.connectionString)
      const append = () => connection.clientStream('Streams', 'Append', messages, { as })
      assert.equal([(await append()).error?.code, (await append()).error?.code], [code, code], JSON.stringify(as))
      assert.is((await connection.unary('ServerFeatures', 'GetSupportedMethods', {}, { as: null })).error, undefined)
      connection.close()
    }
  }))

test('an access list opens and closes a stream, and ends the subscriptions of who may not read any more', () =>
  withSecureStore(async ({ admin, user }) => {
    const [ann, bob] = [await user('ann', ['staff']), await user('bob')]
    await admin.appendToStream('secret', tick(1))
    await admin.setStreamMetadata('secret', { acl: { readRoles: ['staff', 'bob'], writeRoles: ['$admins'] } })
    const subscriptions = [ann, bob].map((client) => client.subscribeToStream('secret', { fromRevision: START }))
    const seen = subscriptions.map(async (subscription) => {
      let count = 0
      const ended = await failure(async () => {
        for await (const _ of subscription) if (++count === 2) break
      })
      return [count, ended instanceof AccessDeniedError]
    })
    for (const client of [ann, bob]) assert.equal(await typesIn(client, 'secret'), ['Ticked'])
    await isDenied(() => ann.appendToStream('secret', tick(2)))
    await admin.setStreamMetadata('secret', { acl: { readRoles: ['staff'] } })
    await admin.appendToStream('secret', tick(2))
    assert.equal(await Promise.all(seen), [
      [2, false],
      [1, true],
    ])
    await isDenied(() => typesIn(bob, 'secret'))
  }))

test('a subscription to $all ends when the default lists in $settings take the right away', () =>
  withSecureStore(async ({ admin, user }) => {
    const ann = await user('ann')
    const settings = (readers: string[]) =>
      admin.appendToStream('$settings', jsonEvent({ type: 'update-default-acl', data: { $systemStreamAcl: { $r: readers } } }))
    await settings(['$admins', 'ann'])
    const subscription = ann.subscribeToAll({ fromPosition: START, filter: eventTypeFilter({ prefixes: ['Ticked'] }) })
    await admin.appendToStream('ticks', tick(1))
    const ended = failure(async () => {
      for await (const _ of subscription) await settings(['$admins'])
    })
    assert.instance(await ended, AccessDeniedError)
  }))

test('a consumer of a group that may not read its stream any more is ended', () =>
  withSecureStore(async ({ admin, user }) => {
    const ann = await user('ann')
    await admin.createPersistentSubscriptionToStream(
      'jobs',
      'workers',
      persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: START }),
    )
    await admin.appendToStream('jobs', tick(1))
    const consumer = ann.subscribeToPersistentSubscriptionToStream('jobs', 'workers')
    const ended = failure(async () => {
      for await (const delivered of consumer) {
        await consumer.ack(delivered)
        await admin.setStreamMetadata('jobs', { acl: { readRoles: ['$admins'] } })
      }
    })
    assert.instance(await ended, AccessDeniedError)
  }))

test('no link leads to the hash of a password', () =>
  withSecureStore(async ({ admin, user }) => {
    const ann = await user('ann')
    await isDenied(() => typesIn(ann, '$user-admin'))
    const link = binaryEvent({ type: '$>', data: Buffer.from('0@$user-admin') })
    await ann.appendToStream('links', link)
    for (const client of [ann, admin])
      for await (const resolved of client.readStream('links', { resolveLinkTos: true })) assert.is(resolved.event, undefined)
  }))

test('a changed password and a disabled user are refused at once, also in calls that are open', () =>
  withSecureStore(async ({ user, manage }) => {
    for (const [login, method, change] of [
      ['ann', 'ResetPassword', { newPassword: 'another' }],
      ['bob', 'Disable', {}],
      ['carl', 'Delete', {}],
    ] as const) {
      const client = await user(login)
      await client.appendToStream(login, tick(1))
      const subscription = client.subscribeToStream(login, { fromRevision: START })
      const ended = failure(async () => {
        for await (const _ of subscription) assert.is(await manage(method, { loginName: login, ...change }), undefined)
      })
      assert.instance(await ended, AccessDeniedError, method)
      await isDenied(() => client.appendToStream(login, tick(2)))
      await isDenied(() => typesIn(client, login))
    }
    const ann = await user('ann')
    assert.equal(await typesIn(ann, 'ann', { username: 'ann', password: 'another' }), ['Ticked'])
  }))

test('an open call has the groups that its user is in by now', () =>
  withSecureStore(async ({ admin, user, manage }) => {
    const ann = await user('ann')
    await admin.setStreamMetadata('jobs', { acl: { writeRoles: ['staff'] } })
    const move = (...groups: string[]) => manage('Update', { loginName: 'ann', fullName: 'Ann', groups })
    await isDenied(() => ann.appendToStream('jobs', tick(1)))
    await move('staff')
    await ann.appendToStream('jobs', tick(1))
    await move('others')
    await isDenied(() => ann.appendToStream('jobs', tick(2)))
    await move('$admins')
    await ann.appendToStream('$system', tick(1))
  }))

test('who does not say who they are may say little', () =>
  withSecureStore(async ({ store }) => {
    const connection = secured(store.connectionString)
    const batch = async (length: number) => {
      const call = connection.bidi('Streams', 'BatchAppend', { as: null })
      call.send({ correlationId: { string: randomUUID() }, proposedMessages: [{ data: Buffer.alloc(length) }], isFinal: true })
      call.end()
      return (await call.outcome(10_000)).error?.code
    }
    assert.is(await batch(60_000), undefined)
    assert.is(await batch(70_000), 'RESOURCE_EXHAUSTED')
    connection.close()
  }))

async function status(port: string, path: string, authorization?: string): Promise<number | undefined> {
  const headers = authorization === undefined ? {} : { authorization }
  const sent = request({ host: 'localhost', port, path, ca: certificate.ca, agent: false, headers }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}

test('the command: users outlive it, the first passwords come from the environment, and it says no secret', async () => {
  const data = scratch()
  const main = fileURLToPath(new URL('../../../infra/main.ts', import.meta.url))
  const tls = ['--certificate-file', certificateFile, '--certificate-private-key-file', privateKeyFile]
  const options = ['--db', data, ...tls, '--trusted-root-certificates-path', directory]
  for (const password of ['first-s3cret', 'second-s3cret']) {
    const server = await standalone(options, [], { EVENTSTORE_DEFAULT_ADMIN_PASSWORD: 'first-s3cret' })
    assert.match(server.connectionString, 'tls=true')
    const { port } = new URL(server.connectionString)
    const basic = (secret: string) => `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}`
    assert.is(await status(port, '/ping'), 200)
    assert.is(await status(port, '/ping', basic(password)), 200)
    assert.is(await status(port, '/ping', basic('changeit')), 401)
    assert.is(await status(port, '/health/live', basic('changeit')), 204)
    const connection = secured(server.connectionString)
    const as = { user: 'admin', password }
    const change = { loginName: 'admin', currentPassword: password, newPassword: 'second-s3cret' }
    assert.is((await connection.unary('Users', 'ChangePassword', { options: change }, { as })).error, undefined)
    connection.close()
    assert.is(await server.kill('SIGTERM'), 0)
    assert.not.match(server.said(), /s3cret/)
  }
  const env = { ...withoutOptions(process.env), EVENTSTORE_CERTIFICATE_PRIVATE_KEY_PASSWORD: 'gu3ss' }
  const wrong = ['--certificate-file', certificateFile, '--certificate-private-key-file', ca]
  const refused = spawnSync(process.execPath, [main, 'eventstore', '--mem-db', ...wrong], { encoding: 'utf8', env })
  assert.is(refused.status, 1)
  assert.match(refused.stderr, ca)
  assert.not.match(refused.stdout + refused.stderr, 'gu3ss')
})

test('the command reads its certificate again on SIGHUP, and keeps the one it has when it can not', async () => {
  const [former, newer] = [testCertificate(), testCertificate()]
  const [cert, key] = [file('renewed.crt', former.cert), file('renewed.key', former.key)]
  const server = await standalone(['--mem-db', '--certificate-file', cert, '--certificate-private-key-file', key])
  const { port } = new URL(server.connectionString)
  const isShown = async ({ ca }: { ca: string }) => {
    const socket = connectTls({ host: 'localhost', port: Number(port), ca })
    const shown = await once(socket, 'secureConnect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    return shown
  }
  assert.equal([await isShown(former), await isShown(newer)], [true, false])
  file('renewed.key', newer.key)
  server.process.kill('SIGHUP')
  await eventually(() => server.said().includes('stays what it was'), 'a key of another certificate is refused')
  assert.equal([await isShown(former), await isShown(newer)], [true, false])
  file('renewed.crt', newer.cert)
  server.process.kill('SIGHUP')
  await eventually(() => server.said().includes('was read again'), 'the certificate is read again')
  assert.equal([await isShown(former), await isShown(newer)], [false, true])
  assert.is(await server.kill('SIGTERM'), 0)
})

test.run()
