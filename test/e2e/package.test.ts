// The package as somebody else installs it: packed, unpacked beside its dependencies, used and type-checked.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scratch } from './program.ts'

const test = suite('the package')
const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = scratch()
const modules = join(directory.path, 'node_modules')

function run(file: string, args: readonly string[], cwd = directory.path): string {
  const { status, stdout, stderr } = spawnSync(file, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NODE_V8_COVERAGE: undefined },
  })
  assert.is(status, 0, `${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

test.before(() => {
  const [{ filename }] = JSON.parse(run('npm', ['pack', '--json', '--pack-destination', directory.path], root))
  run('tar', ['xzf', join(directory.path, filename)])
  mkdirSync(modules)
  renameSync(join(directory.path, 'package'), join(modules, 'duxnet'))
  for (const name of ['zod', '@types']) symlinkSync(join(root, 'node_modules', name), join(modules, name))
  writeFileSync(join(directory.path, 'package.json'), '{ "type": "module" }')
})
test.after(() => directory.remove())

test('it holds the client and nothing that only we need', () => {
  assert.ok(existsSync(join(modules, 'duxnet/dist/api/client.js')))
  for (const name of ['test', 'api', 'domain', 'node_modules', 'dist/test', 'dist/infra', 'dist/adapters'])
    assert.not(existsSync(join(modules, 'duxnet', name)), name)
  assert.not(existsSync(join(root, 'dist')), 'nothing is left behind')
})

test('it runs', () => {
  const script = join(directory.path, 'use.js')
  writeFileSync(
    script,
    `import { createClient, Unavailable } from 'duxnet/client'
     await createClient({ url: 'http://127.0.0.1:1' }).network().catch((error) => console.log(error instanceof Unavailable))`,
  )
  assert.is(run(process.execPath, [script]), 'true\n')
})

test('its types know commands and events, and tell what is wrong', () => {
  const check = (text: string) => {
    writeFileSync(join(directory.path, 'use.ts'), text)
    const flags = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--target',
      'es2024',
      '--module',
      'nodenext',
      '--skipLibCheck',
      '--types',
      'node',
      'use.ts',
    ]
    return spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...flags], {
      cwd: directory.path,
      encoding: 'utf8',
    })
  }
  const use = (type: string, data: string) => `import { createClient } from 'duxnet/client'
    const client = createClient({ url: 'http://127.0.0.1' })
    await client.send('${type}', ${data}, { subject: 'x' })
    for await (const { event } of client.subscribe({ types: ['EscrowReleased'] })) event.data.providerAmount satisfies string`
  const right = check(use('Transfer', "{ to: 'w', amount: '1' }"))
  assert.is(right.status, 0, right.stdout)
  assert.match(check(use('Transfer', "{ to: 'w' }")).stdout, 'amount')
  assert.match(check(use('Transfr', '{}')).stdout, 'Transfr')
})

test.run()
