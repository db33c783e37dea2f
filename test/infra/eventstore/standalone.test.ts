import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseEventStoreOptions, UsageError } from '../../../infra/embedded/eventstore/options.ts'
import { eventually, isLong, randomFrom, scratch, seed, standalone, tick, withoutOptions } from './support.ts'

const test = suite(`duxnet eventstore (seed ${seed})`)
const random = randomFrom(seed)

function eventstore(...args: string[]) {
  const main = fileURLToPath(new URL('../../../infra/main.ts', import.meta.url))
  return spawnSync(process.execPath, [main, 'eventstore', ...args], { encoding: 'utf8', env: withoutOptions(process.env) })
}

test('options have the names, the forms and the defaults of EventStoreDB', () => {
  const parse = (argv: string[], env = {}) => parseEventStoreOptions(argv, env)
  const { db, ...defaults } = JSON.parse(JSON.stringify(parse([])))
  const address = { nodeIp: '127.0.0.1', nodePort: 2113, nodeHostAdvertiseAs: '', nodePortAdvertiseAs: 0 }
  const flags = { memDb: false, startStandardProjections: false, enableAtomPubOverHttp: false, insecure: false, help: false }
  assert.equal(defaults, { ...address, ...flags })
  assert.ok(db)
  assert.is(parse(['--db', '/x', '--node-port=9']).nodePort, 9)
  for (const argv of [['--mem-db'], ['--mem-db=true'], ['--mem-db', 'true'], ['--insecure', '--mem-db', 'True']])
    assert.is(parse(argv).memDb, true, argv.join(' '))
  assert.is(parse(['--mem-db', 'false']).memDb, false)
  assert.equal(parse(['--node-port', '7'], { EVENTSTORE_NODE_PORT: '8', EVENTSTORE_MEM_DB: 'true', PATH: '/' }).nodePort, 7)
  assert.is(parse([], { EVENTSTORE_NODE_PORT: '8', EVENTSTORE_DB: '/y' }).db, '/y')
})

test('what is not known, or has no such value, is refused by name', () => {
  for (const [argv, name] of [
    [['--certificate-store-name', 'x'], '--certificate-store-name'],
    [['--certificate-file', 'x'], '--certificate-private-key-file'],
    [['--certificate-private-key-file', 'x'], '--certificate-file'],
    [['--trusted-root-certificates-path', 'x'], '--certificate-file'],
    [['--certificate-file', 'x', '--certificate-private-key-file', 'y', '--insecure'], '--insecure'],
    [['--node-ip', '0.0.0.0'], '--insecure'],
    [['--node-ip', '::'], '--insecure'],
    [['--default-admin-password', 'x'], 'EVENTSTORE_DEFAULT_ADMIN_PASSWORD'],
    [['--node-port'], '--node-port'],
    [['--node-port', 'http'], 'http'],
    [['--node-port', '70000'], '70000'],
    [['--mem-db=maybe'], 'maybe'],
    [['data'], 'data'],
  ] as const) {
    try {
      parseEventStoreOptions(argv, {})
      assert.unreachable(argv.join(' '))
    } catch (error) {
      assert.instance(error, UsageError)
      assert.match((error as Error).message, name)
    }
  }
  assert.throws(() => parseEventStoreOptions([], { EVENTSTORE_RUN_PROJECTIONS: 'All' }), 'EVENTSTORE_RUN_PROJECTIONS')
})

test('beyond loopback it listens with a certificate, or when told to be insecure', () => {
  const tls = ['--certificate-file', 'a', '--certificate-private-key-file', 'b']
  for (const argv of [
    ['--node-ip', '0.0.0.0', '--insecure'],
    ['--node-ip', '0.0.0.0', ...tls],
    ['--node-ip', '127.0.0.2'],
    ['--node-ip', 'localhost'],
    ['--node-ip', '::1'],
  ])
    assert.is(parseEventStoreOptions(argv, {}).nodeIp, argv[1])
  const env = {
    EVENTSTORE_CERTIFICATE_FILE: 'a',
    EVENTSTORE_CERTIFICATE_PRIVATE_KEY_FILE: 'b',
    EVENTSTORE_DEFAULT_OPS_PASSWORD: 'c',
  }
  const { certificateFile, certificatePrivateKeyFile, defaultOpsPassword } = parseEventStoreOptions([], env)
  assert.equal([certificateFile, certificatePrivateKeyFile, defaultOpsPassword], ['a', 'b', 'c'])
})

test('the command says what is wrong and how it went', () => {
  const refused = eventstore('--cluster-size', '3')
  assert.is(refused.status, 2)
  assert.match(refused.stderr, '--cluster-size')
  const help = eventstore('--help')
  assert.is(help.status, 0)
  assert.match(help.stdout, 'EVENTSTORE_NODE_PORT')
  const unusable = eventstore('--db', '/dev/null/x', '--node-port', '0')
  assert.is(unusable.status, 1)
  assert.match(unusable.stderr, '/dev/null/x')
})

test('it stops cleanly on a signal, and its directory is free', async () => {
  const directory = scratch()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const store = await standalone(['--db', directory])
    const client = EventStoreDBClient.connectionString(store.connectionString)
    await client.appendToStream('ticks', tick(1))
    assert.is(await store.kill(signal), 0)
    await client.dispose()
  }
})

test('kill -9 under load loses nothing that was acknowledged, and leaves nothing half done', async () => {
  const directory = scratch()
  const acknowledged = new Map<string, bigint>()
  for (let round = 0; round < (isLong ? 100 : 4); round++) {
    const store = await standalone(['--db', directory])
    const client = EventStoreDBClient.connectionString(store.connectionString)
    await check(client, acknowledged)
    let going = true
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      const stream = `writer-${writer}`
      while (going) {
        const batch = Array.from({ length: batchOf(writer) }, (_, n) => tick(n))
        const result = await client.appendToStream(stream, batch).catch(() => undefined)
        if (result) acknowledged.set(stream, result.nextExpectedRevision)
        else return
      }
    })
    const enough = acknowledged.size === 0 ? 16 : 0
    await eventually(() => acknowledged.size >= enough, 'writers are acknowledged')
    await new Promise((resolve) => setTimeout(resolve, 50 + random() * 300))
    await store.kill('SIGKILL')
    going = false
    await Promise.all(writers)
    await client.dispose()
  }
  const store = await standalone(['--db', directory])
  const client = EventStoreDBClient.connectionString(store.connectionString)
  await check(client, acknowledged)
  await client.dispose()
  assert.is(await store.kill('SIGTERM'), 0)
})

const batchOf = (writer: number) => (writer % 3) + 1

async function check(client: EventStoreDBClient, acknowledged: ReadonlyMap<string, bigint>): Promise<void> {
  const last = new Map<string, bigint>()
  let position = -1n
  for await (const { event } of client.readAll()) {
    assert.ok(event && event.position!.commit > position, 'positions rise')
    position = event!.position!.commit
    if (!event!.streamId.startsWith('writer-')) continue
    assert.is(event!.revision, (last.get(event!.streamId) ?? -1n) + 1n, 'no revision is missing')
    last.set(event!.streamId, event!.revision)
  }
  for (const [stream, revision] of acknowledged) assert.ok((last.get(stream) ?? -1n) >= revision, `${stream} has ${revision}`)
  for (const [stream, revision] of last)
    assert.is((revision + 1n) % BigInt(batchOf(Number(stream.slice('writer-'.length)))), 0n, 'a batch is there whole or not at all')
}

test('a full disk refuses appends and says so, loses nothing, and the store goes on', async () => {
  if (process.platform === 'win32') return
  const directory = scratch()
  // A limit on the size of files is a full disk that needs no disk; 1,024-byte blocks.
  const store = await standalone(['--db', directory], ['sh', '-c', 'trap \'\' XFSZ; ulimit -S -f 2048; exec "$@"', 'sh'])
  const client = EventStoreDBClient.connectionString(store.connectionString)
  const large = () => ({ ...tick(1), data: { n: 1, text: 'x'.repeat(100_000) } })
  let stored = -1n
  let refusal: Error | undefined
  for (let n = 0; n < 100 && !refusal; n++) {
    await client.appendToStream('large', large()).then(
      ({ nextExpectedRevision }) => (stored = nextExpectedRevision),
      (error: Error) => (refusal = error),
    )
  }
  assert.ok(refusal, 'the disk was full')
  assert.ok(stored >= 3n, 'it was not full from the start')
  const revisions = []
  for await (const { event } of client.readStream('large')) revisions.push(event!.revision)
  assert.is(revisions.at(-1), stored)
  const several = Array.from({ length: 8 }, (_, n) => client.appendToStream(`more-${n}`, large()).catch((error: Error) => error))
  for (const result of await Promise.all(several)) assert.instance(result, Error)

  const isRoomy = spawnSync('prlimit', ['--pid', String(store.process.pid), '--fsize=unlimited']).status === 0
  if (isRoomy) {
    const { nextExpectedRevision } = await client.appendToStream('large', large(), { expectedRevision: stored })
    assert.is(nextExpectedRevision, ++stored)
  }
  await client.dispose()
  assert.is(await store.kill('SIGTERM'), 0)

  const restarted = await standalone(['--db', directory])
  const again = EventStoreDBClient.connectionString(restarted.connectionString)
  const { nextExpectedRevision } = await again.appendToStream('large', large(), { expectedRevision: stored })
  assert.is(nextExpectedRevision, stored + 1n)
  await again.dispose()
  assert.is(await restarted.kill('SIGTERM'), 0)
})

test.run()
