import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { EventStoreDBClient, jsonEvent } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scratch, standalone } from './support.ts'

const test = suite('eventstore on a full disk')
const main = fileURLToPath(new URL('../../../infra/main.ts', import.meta.url))

// A file system of a few megabytes, which only the store's own mount namespace sees.
const mount = 'mount -t tmpfs -o size=$0 tmpfs "$1" && shift && exec "$@"'
const works = spawnSync('unshare', ['-m', 'sh', '-c', mount, '1m', scratch(), 'true']).status === 0
if (!works) console.log('skipped: a full disk needs unshare and the right to mount')

const firstOf = (client: EventStoreDBClient, stream: string) =>
  client
    .readStream(stream)
    [Symbol.asyncIterator]()
    .next()
    .catch(({ type }) => type)

const large = (text = 'x'.repeat(50_000)) => jsonEvent({ type: 'Large', data: { text } })

;(works ? test : test.skip)('appends are refused, reads go on, nothing is lost, and it goes on when there is room', async () => {
  const directory = scratch()
  const store = await standalone(['--db', directory], ['unshare', '-m', 'sh', '-c', mount, '2m', directory])
  const inside = (...command: string[]) =>
    spawnSync('nsenter', ['-m', '-t', String(store.process.pid), ...command], { encoding: 'utf8' })
  const client = EventStoreDBClient.connectionString(store.connectionString)
  let stored = -1n
  async function fill(): Promise<Error> {
    for (;;) {
      try {
        stored = (await client.appendToStream('large', large())).nextExpectedRevision
      } catch (error) {
        return error as Error
      }
    }
  }
  async function check(): Promise<void> {
    let next = 0n
    for await (const { event } of client.readStream('large')) assert.is(event!.revision, next++)
    assert.is(next, stored + 1n)
  }

  for (const size of ['4m', '6m', '8m']) {
    assert.match((await fill()).message, 'ENOSPC')
    await check()
    const several = Array.from({ length: 8 }, (_, n) =>
      client.appendToStream(`more-${n}`, [large(), large()]).catch((error: Error) => error),
    )
    for (const result of await Promise.all(several)) assert.instance(result, Error)
    for (let n = 0; n < 8; n++) assert.is(await firstOf(client, `more-${n}`), 'stream-not-found')
    assert.is(inside('mount', '-o', `remount,size=${size}`, directory).status, 0)
    const { nextExpectedRevision } = await client.appendToStream('large', large(), { expectedRevision: stored })
    assert.is(nextExpectedRevision, ++stored)
    await check()
  }
  const verified = inside(process.execPath, main, 'eventstore', 'verify', directory)
  assert.is(verified.status, 0, verified.stderr)
  await client.dispose()
  assert.is(await store.kill('SIGTERM'), 0)
})

test.run()
