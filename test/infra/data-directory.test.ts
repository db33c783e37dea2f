import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { findRunning, holdDataDirectory } from '../../infra/data-directory.ts'

const test = suite<{ path: string }>('data directory')
const module = new URL('../../infra/data-directory.ts', import.meta.url).href

test.before.each((context) => {
  context.path = join(mkdtempSync(join(tmpdir(), 'duxnet-data-')), 'data')
})
test.after.each(({ path }) => rmSync(join(path, '..'), { recursive: true, force: true }))

/** Another process that holds `path` and has told `state`. */
async function holder(path: string, state: 'starting' | 'ready') {
  const script = `
    const { holdDataDirectory } = await import(${JSON.stringify(module)})
    const directory = holdDataDirectory(${JSON.stringify(path)})
    const tell = (state) => directory.tell({ state, namespace: 'dux', http: 'http://127.0.0.1:1' })
    tell('${state}')
    console.log('held')
    process.stdin.on('data', () => tell('ready'))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return {
    pid: child.pid!,
    becomeReady: () => child.stdin.write('ready'),
    async kill() {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

test('only its user may enter it or read what runs there', ({ path }) => {
  const directory = holdDataDirectory(path)
  directory.tell({ state: 'starting', namespace: 'dux' })
  assert.is(statSync(path).mode & 0o777, 0o700)
  assert.is(statSync(join(path, 'run.json')).mode & 0o777, 0o600)
  directory.release()
})

test('a second start is refused and told who holds it', async ({ path }) => {
  const other = await holder(path, 'ready')
  try {
    assert.throws(
      () => holdDataDirectory(path),
      (error: Error) => error.message.includes(`process ${other.pid} (http://127.0.0.1:1)`),
    )
  } finally {
    await other.kill()
  }
})

test('after a kill -9 it is free, and what the dead one told is not believed', async ({ path }) => {
  const other = await holder(path, 'ready')
  assert.is((await findRunning(path)).pid, other.pid)
  await other.kill()
  assert.is(await findRunning(path).catch(({ name }) => name), 'NotRunning')
  holdDataDirectory(path).release()
})

test('one that is starting is waited for, within limits', async ({ path }) => {
  const other = await holder(path, 'starting')
  try {
    assert.match((await findRunning(path, 0.5).catch((error) => error)).message, 'still starting')
    const found = findRunning(path)
    other.becomeReady()
    assert.is((await found).state, 'ready')
  } finally {
    await other.kill()
  }
})

test('where nothing was ever started there is nothing running', async ({ path }) => {
  assert.match((await findRunning(path).catch((error) => error)).message, 'no DuxNet is running')
})

test('a path that cannot be a directory is refused by name', () => {
  assert.throws(() => holdDataDirectory('/dev/null/data'), /\/dev\/null\/data cannot be used/)
})

test.run()
