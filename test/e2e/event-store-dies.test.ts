// The event store is a thread of the program: when it dies, the program says so and ends, and the next start goes on.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { scratch, startProgram } from './program.ts'

const test = suite('the event store dies')

/** Runs in every thread before anything else; in that of the event store it throws as soon as there is a file. */
const fault = (file: string) => `
  import { existsSync } from 'node:fs'
  import { isMainThread, workerData } from 'node:worker_threads'
  const isEventStore = !isMainThread && workerData?.directory?.endsWith('eventstore')
  if (isEventStore) setInterval(() => { if (existsSync(${JSON.stringify(file)})) throw new Error('a fault of the test') }, 20)`

test('a program whose event store dies says why and ends with 1', async () => {
  const directory = scratch()
  const data = join(directory.path, 'data')
  const [preload, file] = [join(directory.path, 'fault.mjs'), join(directory.path, 'now')]
  writeFileSync(preload, fault(file))
  const roles = { DUXNET_ROLES: 'commands' }
  const first = await startProgram(data, { ...roles, NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` })
  writeFileSync(file, '')
  const { code, stderr } = await first.ended
  assert.is(code, 1)
  assert.match(stderr, 'the embedded event store has failed: a fault of the test')

  const second = await startProgram(data, roles)
  assert.is((await second.stop()).code, 0)
  directory.remove()
})

test.run()
