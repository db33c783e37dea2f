// The whole program, as a person has it: `duxnet start` with embedded engines, killed, started again, exported, imported, replayed.

import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readModels } from '../../projections/read-models.ts'
import { duxnet, type Program, scratch, spawnProgram, startProgram, until } from './program.ts'

const test = suite('duxnet start')
const directory = scratch()
const data = join(directory.path, 'data')
const other = join(directory.path, 'other')
const file = join(directory.path, 'log.ndjson')
const quiet = { DUXNET_ROLES: 'commands,queries,projector' }
let program: Program

test.before(async () => {
  program = await startProgram(data)
})
test.after(async () => {
  await program.kill()
  directory.remove()
})

interface Node {
  readonly nodeId: string
  readonly status: string
  readonly reputation: number
  readonly profile: { readonly cores: number; readonly memoryBytes: number; readonly platform: string; readonly region: string }
}

const thisMachine = () =>
  until('this machine is healthy', async () => {
    const { body } = await program.get<{ nodes: readonly Node[] }>('/v1/nodes')
    return body.nodes.find(({ status, profile }) => status === 'healthy' && profile.region === 'local')
  })

test('this machine turns healthy, with its real figures', async () => {
  const node = await thisMachine()
  assert.is(node.profile.cores, os.cpus().length)
  assert.is(node.profile.memoryBytes, os.totalmem())
  assert.is(node.profile.platform, process.platform)
  assert.is(node.reputation, 50)
  const key = JSON.parse(readFileSync(join(data, 'keys', 'agent.key'), 'utf8'))
  assert.is(node.nodeId, key.nodeId)
})

test('it tells on standard output where to look', () => {
  for (const address of ['/v1/nodes', '/docs', '/readyz?verbose']) assert.match(program.output(), `${program.run.http}${address}`)
  assert.match(program.output(), program.run.eventStore!)
})

test('documentation, metrics and readiness are there', async () => {
  assert.is((await program.get('/docs')).status, 200)
  assert.is((await program.get<{ openapi: string }>('/openapi.json')).body.openapi.slice(0, 3), '3.1')
  const metrics = String((await program.get('/metrics')).body)
  for (const name of [
    'duxnet_commands_total{type="RegisterNode",outcome="accepted"} 1',
    'duxnet_append_duration_seconds_count',
    'duxnet_projection_lag_seconds{projection="node-directory"}',
    'duxnet_projection_checkpoint_age_seconds',
    'duxnet_http_request_duration_seconds_bucket',
    'process_cpu_seconds_total',
  ])
    assert.ok(metrics.includes(name), name)
  assert.is((await program.get('/livez')).status, 200)
  const ready = await program.get('/readyz?verbose')
  assert.is(ready.status, 200, JSON.stringify(ready.body))
})

test('duxnet agent registers a machine of its own key', async () => {
  const agent = spawnProgram(
    ['agent', '--url', program.run.http!, '--region', 'elsewhere', '--key', join(directory.path, 'new.key')],
    {},
  )
  const refused = await once(agent, 'close')
  assert.is(refused[0], 1, 'a key that is named must be there')

  const key = join(directory.path, 'agent.key')
  const { stdout } = await duxnet(['keygen', '--out', key], {})
  const nodeId = stdout.match(/node id +(\S+)/)![1]!
  const other = spawnProgram(['agent', '--url', program.run.http!, '--region', 'elsewhere', '--key', key], {})
  await until('the other node is healthy', async () => {
    const { body } = await program.get<Node>(`/v1/nodes/${nodeId}`)
    return body.status === 'healthy' && body.profile.region === 'elsewhere'
  })
  other.kill('SIGTERM')
  assert.equal(await once(other, 'close'), [0, null])
})

test('secrets and addresses are for its user alone', () => {
  assert.is(statSync(data).mode & 0o777, 0o700)
  assert.is(statSync(join(data, 'run.json')).mode & 0o777, 0o600)
  for (const name of ['authority', 'health', 'log', 'agent'])
    assert.is(statSync(join(data, 'keys', `${name}.key`)).mode & 0o777, 0o600)
})

test('a second start on the same data directory is refused and told by whom', async () => {
  const { code, stderr } = await duxnet(['start'], { DUXNET_DATA: data })
  assert.is(code, 1)
  assert.match(stderr, `in use by process ${program.child.pid} (${program.run.http})`)
})

test('replay --live finds what Postgres holds equal to the log', async () => {
  const { code, stdout, stderr } = await duxnet(['replay', '--live', '--data', data], {})
  assert.is(code, 0, stdout + stderr)
  assert.match(stdout, 'node-directory')
})

test('after kill -9 of everything it comes up by itself, and nothing is lost', async () => {
  const before = await thisMachine()
  const { body } = await program.get<{ events: readonly unknown[] }>(`/v1/nodes/${before.nodeId}/events`)
  await program.kill()
  program = await startProgram(data)
  const after = await thisMachine()
  assert.is(after.nodeId, before.nodeId)
  const now = await program.get<{ events: readonly unknown[] }>(`/v1/nodes/${before.nodeId}/events`)
  assert.equal(now.body.events.slice(0, body.events.length), body.events)
  const { code, stdout, stderr } = await duxnet(['replay', '--live', '--data', data], {})
  assert.is(code, 0, stdout + stderr)
})

test('projections lists, verifies and rebuilds the read models of the running instance', async () => {
  const listed = await duxnet(['projections', 'list', '--data', data], {})
  assert.is(listed.code, 0, listed.stderr)
  assert.match(listed.stdout, 'node-directory')
  const rebuilt = await duxnet(['projections', 'rebuild', 'node-directory', '--data', data], {})
  assert.is(rebuilt.code, 0, rebuilt.stdout + rebuilt.stderr)
  const verified = await duxnet(['projections', 'verify', '--data', data], {})
  assert.is(verified.code, 0, verified.stdout + verified.stderr)
})

test('SIGTERM ends it cleanly', async () => {
  const { code, stderr } = await program.stop()
  assert.is(code, 0, stderr)
  assert.not(existsSync(join(data, 'run.json')))
  assert.is((await duxnet(['export', '--data', data], {})).code, 3)
})

const digests = (stdout: string) =>
  [...stdout.matchAll(/^(\S+): equal at position \d+, (\w+)$/gm)].map(([, name, digest]) => [name, digest])

test('an export is signed, and is checked and an event of it proved from files alone', async () => {
  program = await startProgram(data)
  const key = ['--key', (await program.get<{ verifierKey: string }>('/v1/log')).body.verifierKey]
  const [signed, proof] = [join(directory.path, 'signed.ndjson'), join(directory.path, 'proof.json')]
  const exported = await duxnet(['export', '--out', signed, '--data', data], {})
  assert.equal([exported.code, exported.stderr], [0, ''])
  const proved = await duxnet(['audit', 'prove', '1', '--data', data], {})
  assert.is(proved.code, 0, proved.stderr)
  writeFileSync(proof, proved.stdout)
  await program.stop()
  const checked = await duxnet(['audit', 'fsck', signed, ...key], {})
  assert.is(checked.code, 0, checked.stderr)
  assert.match(checked.stdout, /signed +at \d+ events, by the key that was given/)
  assert.match((await duxnet(['audit', 'verify', proof, ...key], {})).stdout, /event 1: NodeRegistered of .* is in the log/)
  writeFileSync(proof, proved.stdout.replace('"index":1', '"index":2'))
  const refused = await duxnet(['audit', 'verify', proof, ...key], {})
  assert.equal([refused.code, /event 2 is not in the log that was signed/.test(refused.stderr)], [1, true])
})

test('an export imports into another store with the same root, and makes the same read models there', async () => {
  // Without agent and processes nothing is added meanwhile.
  program = await startProgram(data, quiet)
  const exported = await duxnet(['export', '--out', file, '--data', data], {})
  assert.is(exported.code, 0, exported.stderr)
  const here = await duxnet(['replay', '--live', '--data', data], {})
  await program.stop()

  const imported = await duxnet(['import', file, '--data', other], {})
  assert.is(imported.code, 0, imported.stderr)
  const { root } = JSON.parse(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)!)
  assert.is(JSON.parse(imported.stdout).root, root)
  const again = await duxnet(['import', file, '--data', other], {})
  assert.is(JSON.parse(again.stdout).imported, 0)

  cpSync(join(data, 'keys'), join(other, 'keys'), { recursive: true })
  program = await startProgram(other, quiet)
  const there = await duxnet(['replay', '--live', '--data', other], {})
  assert.is(there.code, 0, there.stdout + there.stderr)
  assert.is(digests(there.stdout).length, readModels.length)
  assert.equal(digests(there.stdout), digests(here.stdout))
})

test('a reader that closes the pipe is no crash', async () => {
  const child = spawnProgram(['export', '--data', other], {})
  child.stdout!.destroy()
  let stderr = ''
  child.stderr!.on('data', (text) => (stderr += text))
  const [code] = await once(child, 'close')
  assert.is(code, 0, stderr)
  assert.match(stderr, /^(duxnet export: without a signed checkpoint .* it signs none\n)?$/)
})

test('a file folds without any engine to the same digests, and one that was cut is refused', async () => {
  const replayed = await duxnet(['replay', file], {})
  assert.is(replayed.code, 0, replayed.stderr)
  const early = await duxnet(['replay', file, '--to', '0'], {})
  assert.match(early.stdout, /^log: 1 events, root/m)
  assert.is((await duxnet(['replay', file, '--to', '999999'], {})).code, 1)
  const live = await duxnet(['replay', '--live', '--data', other], {})
  assert.equal(
    [...replayed.stdout.matchAll(/^([a-z-]+): (\w{64})$/gm)].map(([, name, digest]) => [name, digest]),
    digests(live.stdout),
  )
  writeFileSync(`${file}.cut`, readFileSync(file, 'utf8').slice(0, -10))
  for (const command of ['replay', 'import']) {
    const { code, stderr } = await duxnet([command, `${file}.cut`, '--data', join(directory.path, 'none')], {})
    assert.is(code, 1)
    assert.match(stderr, 'the file was cut')
  }
})

test('a port that is taken is named, with the variable that chooses another', async () => {
  const elsewhere = { DUXNET_DATA: join(directory.path, 'elsewhere'), DUXNET_ROLES: 'commands' }
  const { port } = new URL(program.run.http!)
  const api = await duxnet(['start'], { ...elsewhere, PORT: port })
  assert.is(api.code, 1)
  assert.match(api.stderr, port)
  assert.match(api.stderr, '; PORT chooses another port')
  const eventStore = await duxnet(['start'], { ...elsewhere, DUXNET_EVENTSTORE_PORT: port })
  assert.is(eventStore.code, 1)
  assert.match(eventStore.stderr, '; DUXNET_EVENTSTORE_PORT chooses another port')
})

test.run()
