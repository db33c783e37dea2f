import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { UsageError } from '../../infra/cli/command.ts'
import { configTable, loadConfig, redact, redacted } from '../../infra/config.ts'

const test = suite<{ directory: string }>('config')

test.before.each((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'duxnet-config-'))
})
test.after.each(({ directory }) => rmSync(directory, { recursive: true, force: true }))

const problems = (load: () => unknown): string => {
  try {
    load()
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  throw new Error('the configuration was accepted')
}

test('flags go over the environment, which goes over the file, which goes over the defaults', ({ directory }) => {
  writeFileSync(join(directory, 'duxnet.json'), JSON.stringify({ host: '0.0.0.0', port: 1001, logLevel: 'warn' }))
  const { config, sources } = loadConfig({ port: '1003' }, { PORT: '1002', DUXNET_LOG_LEVEL: 'debug' }, directory)
  assert.is(config.port, 1003)
  assert.is(config.logLevel, 'debug')
  assert.is(config.host, '0.0.0.0')
  assert.is(config.eventstorePort, 2113)
  assert.is(config.data, join(directory, '.duxnet'))
  assert.equal(sources, { port: '--port', logLevel: 'DUXNET_LOG_LEVEL (environment)', host: 'host (duxnet.json)' })
})

test('every wrong value is named with the place it came from', ({ directory }) => {
  writeFileSync(join(directory, 'other.json'), JSON.stringify({ eventstorePort: 70_000, prot: 1 }))
  const message = problems(() =>
    loadConfig({ config: 'other.json', roles: 'queries,cook' }, { PORT: 'http', ESDB_URL: 'http://x' }, directory),
  )
  assert.match(message, 'prot (other.json): there is no such key')
  assert.match(message, 'eventstorePort (other.json): must be a port')
  assert.match(message, 'PORT (environment): must be a port')
  assert.match(message, 'ESDB_URL (environment): must be an EventStoreDB connection string')
  assert.match(message, '--roles: must be some of')
})

test('who decides together is a threshold and the keys', ({ directory }) => {
  const [one, other] = [1, 2].map((fill) => Buffer.alloc(32, fill).toString('base64url'))
  const { config } = loadConfig({ arbiters: `1:${one}` }, { DUXNET_STEWARDS: `2:${one}, ${other}` }, directory)
  assert.equal(config.stewards, { threshold: 2, members: [one, other] })
  assert.equal(config.arbiters, { threshold: 1, members: [one] })
  assert.is(loadConfig({}, {}, directory).config.stewards, undefined)
  for (const wrong of [`3:${one},${other}`, `0:${one}`, `2:${one},${one}`, `1:${one}x`, one!, '1:', `1:${one},`])
    assert.match(
      problems(() => loadConfig({}, { DUXNET_STEWARDS: wrong }, directory)),
      'DUXNET_STEWARDS (environment): must be M:key,key,…',
      wrong,
    )
})

test('an empty variable counts as not set', ({ directory }) => {
  assert.is(loadConfig({}, { PORT: '', ESDB_URL: '' }, directory).config.port, 8080)
})

test('a file that is named must be there, and be a JSON object', ({ directory }) => {
  assert.match(
    problems(() => loadConfig({ config: 'missing.json' }, {}, directory)),
    'missing.json',
  )
  writeFileSync(join(directory, 'duxnet.json'), '{"port": ')
  assert.match(
    problems(() => loadConfig({}, {}, directory)),
    'duxnet.json is not a JSON object',
  )
  writeFileSync(join(directory, 'duxnet.json'), '[]')
  assert.match(
    problems(() => loadConfig({}, {}, directory)),
    'duxnet.json is not a JSON object',
  )
})

test('what has no effect is a warning, what would send the read models elsewhere an error', ({ directory }) => {
  const { warnings } = loadConfig({}, { ESDB_URL: 'esdb://db', DUXNET_EVENTSTORE_PORT: '1', DUXNET_EVENTSTOR_PORT: '2' }, directory)
  assert.equal(warnings, [
    'DUXNET_EVENTSTORE_PORT (environment) has no effect beside ESDB_URL (environment)',
    'DUXNET_EVENTSTOR_PORT (environment): there is no such variable',
  ])
  assert.match(
    problems(() => loadConfig({}, { DATABASE_READER_URL: 'postgres://reader@db/dux' }, directory)),
    'DATABASE_READER_URL (environment) is given, but no DATABASE_URL',
  )
  const readOnly = loadConfig({ roles: 'queries' }, { DATABASE_READER_URL: 'postgres://reader@db/dux' }, directory)
  assert.equal(readOnly.config.roles, ['queries'])
})

test('passwords are not shown', ({ directory }) => {
  const { config } = loadConfig(
    {},
    { DATABASE_URL: 'postgres://me:hunter2@db/dux', ESDB_URL: 'esdb://admin:hunter2@db' },
    directory,
  )
  assert.not.match(JSON.stringify(redacted(config)), 'hunter2')
  assert.is(redact('postgres://me@db/dux?password=hunter2&x=1'), 'postgres://me@db/dux?password=***&x=1')
})

test("the README's table of keys is the one the program prints", () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const [, table] = readme.match(/<!-- config:begin -->\n([\s\S]*?)\n?<!-- config:end -->/) ?? []
  assert.is(table, configTable(), 'paste the output of duxnet config --table between the markers')
})

test.run()
