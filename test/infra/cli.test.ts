import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { checkEnvelope } from '../../commands/check.ts'
import type { Command } from '../../infra/cli/command.ts'
import { runCommand } from '../../infra/cli/run.ts'

const test = suite<{ directory: string }>('cli')
const main = fileURLToPath(new URL('../../infra/main.ts', import.meta.url))

test.before((context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'duxnet-cli-'))
})
test.after(({ directory }) => rmSync(directory, { recursive: true, force: true }))

const duxnet = (cwd: string, ...args: string[]) => spawnSync(process.execPath, [main, ...args], { cwd, encoding: 'utf8' })

/** A command in this process: what it wrote, and its exit code. */
async function inProcess(name: string, ...args: string[]) {
  const { command } = (await import(`../../infra/cli/${name}.ts`)) as { command: Command }
  const written = { stdout: '', stderr: '' }
  const write = { stdout: process.stdout.write, stderr: process.stderr.write }
  for (const stream of ['stdout', 'stderr'] as const)
    process[stream].write = (text: string | Uint8Array) => {
      written[stream] += text
      return true
    }
  try {
    return { status: await runCommand(name, command, args), ...written }
  } finally {
    Object.assign(process.stdout, { write: write.stdout })
    Object.assign(process.stderr, { write: write.stderr })
  }
}

test('--help lists every command, and each has a help of its own', async ({ directory }) => {
  const { stdout, status } = duxnet(directory, '--help')
  assert.is(status, 0)
  const names = [...stdout.matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name!)
  assert.ok(names.length > 8, stdout)
  for (const name of names) {
    // The event store's options are EventStoreDB's, which it reads itself.
    const help = name === 'eventstore' ? duxnet(directory, name, '--help') : await inProcess(name, '--help')
    assert.is(help.status, 0, `${name}: ${help.stderr}`)
    assert.match(help.stdout, `duxnet ${name}`)
  }
})

test('version names the version of package.json', ({ directory }) => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  for (const arg of ['version', '--version', '-v']) assert.match(duxnet(directory, arg).stdout, `duxnet ${version}, Node`)
})

test('an unknown command, and an unknown option without a command, are named', ({ directory }) => {
  for (const [arg, names] of [
    ['toString', "'toString'"],
    ['--prt', '--prt'],
  ] as const) {
    const { status, stderr } = duxnet(directory, arg)
    assert.is(status, 2)
    assert.match(stderr, names)
  }
})

test('wrong usage is one message that names the culprit, and exit code 2', async () => {
  const cases: [args: string[], names: string][] = [
    [['start', '--port', 'http'], '--port'],
    [['start', 'everything'], "'everything'"],
    [['keygen', '--out'], '--out'],
    [['replay'], 'replay'],
    [['replay', 'a', 'b'], "'b'"],
    [['import'], 'import'],
    [['projections'], 'projections'],
    [['projections', 'dance'], 'dance'],
    [['export', '--from', '-1'], '--from'],
    [['export', '--from', '9', '--to', '3'], '--to'],
    [['agent', '--url', 'nowhere'], '--url'],
    [['sign', '--type', 'OpenWallet'], '--key'],
    [['fund', 'dance', '--live'], 'dance'],
    [['dispute', 'dance', 'x'], 'dance'],
    [['dispute', 'verify'], 'missing'],
    [['replay', '--live', '--to', '3'], '--to'],
    [['replay', 'x', '--diff'], '--diff'],
    [['replay', 'x', '--to', 'x'], '--to'],
    [['audit', 'dance', 'x'], 'dance'],
    [['audit', 'verify', 'x'], '--key'],
    [['audit', 'fsck', 'x', '--key', 'y'], '--key'],
    [['fund', 'report'], '--live'],
    [['fund', 'report', 'x', '--from', 'y'], '--from'],
  ]
  for (const [args, names] of cases) {
    const [name, ...rest] = args as [string, ...string[]]
    const { status, stdout, stderr } = await inProcess(name, ...rest)
    assert.is(status, 2, `${args}: ${stderr}`)
    assert.match(stderr, names)
    assert.is(stdout, '')
    assert.not.match(stderr, '    at ', 'no stack')
  }
})

test('commands that need a running instance say so when there is none, and exit with 3', async ({ directory }) => {
  for (const args of [['export'], ['replay', '--live'], ['projections', 'list'], ['projections', 'verify']] as const) {
    const [name, ...rest] = args
    const { status, stderr } = await inProcess(name, ...rest, '--data', join(directory, 'none'))
    assert.is(status, 3, `${args}: ${stderr}`)
    assert.match(stderr, 'no DuxNet is running')
  }
})

test('keygen writes a key and tells its node id', ({ directory }) => {
  const { status, stdout } = duxnet(directory, 'keygen', '--out', 'new.key')
  assert.is(status, 0)
  const { publicKey, nodeId } = JSON.parse(readFileSync(join(directory, 'new.key'), 'utf8'))
  assert.is(stdout, `public key ${publicKey}\nnode id    ${nodeId}\n`)
  assert.is(duxnet(directory, 'keygen', '--out', 'new.key').status, 1)
})

test("the data of a command is not the program's directory", ({ directory }) => {
  const { status, stderr } = duxnet(directory, 'sign', '--key', 'new.key', '--type', 'OpenWallet', '--data', '{"no":"directory"}')
  assert.is(status, 3)
  assert.match(stderr, join(directory, '.duxnet'))
  assert.not.match(stderr, '"no"')
})

test('sign makes what the command side accepts, proofs included', async ({ directory }) => {
  const [key, next] = [join(directory, 'signer.key'), join(directory, 'next.key')]
  for (const file of [key, next]) await inProcess('keygen', '--out', file)
  const network = randomUUID()
  const escrow = randomUUID()
  const sign = async (...args: string[]) => {
    const { status, stdout, stderr } = await inProcess('sign', '--key', key, '--network', network, ...args)
    assert.is(status, 0, stderr)
    return checkEnvelope(JSON.parse(stdout), network, verifySignature)
  }
  const opened = await sign('--type', 'OpenWallet')
  assert.is(opened.subject, opened.commandId)
  const delivered = await sign('--type', 'DeliverResult', '--subject', escrow, '--data', `{"resultHash":"${'0'.repeat(64)}"}`)
  assert.equal([delivered.subject, delivered.proven], [escrow, true])
  const changed = await sign('--type', 'ChangeWalletKey', '--subject', escrow, '--id', escrow, '--new-key', next)
  assert.equal([changed.commandId, changed.proven], [escrow, true])
})

test('sign signs nothing that would be refused for its form', async ({ directory }) => {
  const key = join(directory, 'strict.key')
  await inProcess('keygen', '--out', key)
  const cases: [args: string[], names: string][] = [
    [['--type', 'Transfer'], 'data to'],
    [['--type', 'openWallet'], 'type must be a command type'],
    [['--type', 'OpenWallet', '--data', '{'], '--data is not JSON'],
    [['--type', 'OpenWallet', '--data', '[]'], 'data'],
    [['--type', 'OpenWallet', '--subject', 'X'], 'subject must match'],
    [['--type', 'OpenWallet', '--new-key', key], '--new-key: OpenWallet changes no key'],
    [['--type', 'Other', '--data', '{"n":1.5}'], 'data.n'],
  ]
  for (const [args, names] of cases) {
    const { status, stdout, stderr } = await inProcess('sign', '--key', key, '--network', randomUUID(), ...args)
    assert.equal([status, stdout], [2, ''], stderr)
    assert.match(stderr, names)
  }
  const away = await inProcess('sign', '--key', key, '--type', 'OpenWallet', '--url', 'http://127.0.0.1:1')
  assert.is(away.status, 1)
  assert.match(away.stderr, 'does not answer')
})

test('a reader that closes the pipe is no crash', async ({ directory }) => {
  const child = spawn(process.execPath, [main, 'config', '--table'], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  assert.is(code, 0)
  assert.is(stderr, '')
})

test.run()
