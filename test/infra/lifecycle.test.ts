import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('lifecycle')
const module = new URL('../../infra/lifecycle.ts', import.meta.url).href

/** Says its pid, then why it stops; after that it needs `lastsMs` more. */
const program = (lastsMs = 0) => `
  const { stopRequests } = await import(${JSON.stringify(module)})
  const stop = stopRequests()
  const alive = setInterval(() => {}, 1000)
  stop.signal.addEventListener('abort', () => {
    console.log('stops: ' + stop.signal.reason)
    setTimeout(() => { stop.dispose(); clearInterval(alive); console.log('done') }, ${lastsMs})
  })
  console.log('pid ' + process.pid)`
const args = (lastsMs?: number) => ['--input-type=module', '-e', program(lastsMs)]

interface Program {
  readonly child: ChildProcess
  readonly pid: number
  /** The next line; undefined at the end of its output. */
  line(): Promise<string | undefined>
}

async function listen(child: ChildProcess): Promise<Program> {
  const lines: Interface = createInterface({ input: child.stdout! })
  const iterator = lines[Symbol.asyncIterator]()
  const line = async () => (await iterator.next()).value as string | undefined
  const first = await line()
  return { child, pid: Number(first!.slice(4)), line }
}

const start = (lastsMs?: number) =>
  listen(spawn(process.execPath, args(lastsMs), { stdio: ['ignore', 'pipe', 'inherit'], env: withoutNpm() }))

function withoutNpm(): NodeJS.ProcessEnv {
  const { npm_command: _, ...env } = process.env
  return env
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
  test(`${signal} asks it to stop, and it ends in its own time`, async () => {
    const { child, line } = await start(50)
    child.kill(signal)
    assert.is(await line(), `stops: ${signal}`)
    assert.is(await line(), 'done')
    assert.equal(await once(child, 'exit'), [0, null])
  })

test('a second signal ends it at once, but not the echo of the first', async () => {
  const { child, line } = await start(60_000)
  child.kill('SIGINT')
  assert.is(await line(), 'stops: SIGINT')
  child.kill('SIGINT')
  await sleep(700)
  assert.is(child.exitCode, null)
  child.kill('SIGINT')
  assert.equal(await once(child, 'exit'), [1, null])
})

/** The program below a parent of its own, as npm runs it: with a shell in between or without. */
function startBelow(shell: boolean, env: NodeJS.ProcessEnv): Promise<Program> {
  const parent = `
    const { spawn } = await import('node:child_process')
    const args = ${JSON.stringify(args())}
    const quoted = [process.execPath, ...args].map((arg) => "'" + arg.replaceAll("'", "'\\\\''") + "'").join(' ')
    // What follows keeps the shell from giving its place to the program.
    ${shell} ? spawn('sh', ['-c', quoted + '; true'], { stdio: 'inherit' }) : spawn(process.execPath, args, { stdio: 'inherit' })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', parent], { stdio: ['ignore', 'pipe', 'inherit'], env })
  return listen(child)
}

for (const shell of [false, true])
  test(`below npm${shell ? ' and a shell' : ''} it stops when npm is gone`, async () => {
    const { child, line } = await startBelow(shell, { ...process.env, npm_command: 'exec' })
    child.kill('SIGKILL')
    assert.is(await line(), 'stops: lost parent')
    assert.is(await line(), 'done')
  })

test('a program that npm did not start outlives its parent', async () => {
  const { child, pid, line } = await startBelow(false, withoutNpm())
  child.kill('SIGKILL')
  await sleep(2500)
  process.kill(pid, 'SIGTERM')
  assert.is(await line(), 'stops: SIGTERM')
})

test.run()
