// As a person calls it from the checkout: by npx, whose shell passes no signal on.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findRunning } from '../../infra/data-directory.ts'
import { isLong } from '../support/random.ts'
import { environment, scratch, until } from './program.ts'

const test = suite('npx duxnet')
const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = scratch()
test.after(() => directory.remove())

function npx(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const { npm_command: _, ...own } = environment(env)
  return spawn('npx', ['duxnet', ...args], { cwd: root, env: own, stdio: ['ignore', 'pipe', 'ignore'] })
}

test('it runs the program on the pinned Node', async () => {
  const child = npx(['version'])
  let stdout = ''
  child.stdout!.on('data', (text) => (stdout += text))
  const [code] = await once(child, 'close')
  assert.is(code, 0)
  assert.match(stdout, /^duxnet \d+\.\d+\.\d+, Node 24\./)
})

// The one that npx passes on is the easier one.
for (const signal of isLong ? (['SIGTERM', 'SIGKILL'] as const) : (['SIGKILL'] as const))
  test(`when npx gets ${signal} the program ends cleanly`, async () => {
    const data = join(directory.path, signal)
    const child = npx(['start'], { DUXNET_DATA: data })
    const closed = once(child.stdout!.resume(), 'close')
    await until('the program is ready', () => findRunning(data, 0).catch(() => undefined))
    child.kill(signal)
    // Its standard output is open as long as it lives, and its data directory is held.
    await closed
    await until('the data directory is free', async () => (await findRunning(data, 0).catch(({ name }) => name)) === 'NotRunning')
    assert.not(existsSync(join(data, 'run.json')), 'it tidied up')
  })

test.run()
