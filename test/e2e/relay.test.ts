// The program beside a real NATS, and the consumer of docs/nats.md as it stands there.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hasNats, type NatsServer, natsServer } from '../support/nats.ts'
import { type Program, scratch, startProgram, until } from './program.ts'

const test = suite('duxnet start with NATS_URL')
const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = scratch()
let nats: NatsServer
let program: Program

/** What /readyz says of the relay. */
async function relayLine(): Promise<string> {
  const { status, body } = await program.get('/readyz?verbose')
  assert.is(status, 200)
  return /relay to NATS[^\n}]*/.exec(typeof body === 'string' ? body : JSON.stringify(body))?.[0] ?? ''
}

if (!hasNats) {
  console.log('skipped: the program beside NATS, for want of nats-server')
  test.skip('the consumer of the guide hears every event')
} else {
  test.before(async () => {
    nats = await natsServer()
    // Nobody answers there yet: that is no reason not to start.
    program = await startProgram(join(directory.path, 'data'), { NATS_URL: nats.url })
  })
  test.after(async () => {
    await program.stop()
    await nats.remove()
    directory.remove()
  })

  test('it starts while NATS is away, and says so', async () => {
    assert.match(await relayLine(), 'waiting')
  })

  test('the consumer of the guide hears every event', async () => {
    await nats.start()
    await until('it relays', async () => /relaying/.test(await relayLine()))
    const text = readFileSync(join(root, 'docs/nats.md'), 'utf8')
    const [, code] = /<!-- consumer:begin -->\n```js\n([\s\S]*?)```/.exec(text)!
    assert.ok(code!.trim().split('\n').length <= 12)
    // Beside the packages, where its import is found.
    const script = join(root, '.test-work', `consumer-${process.pid}.mjs`)
    mkdirSync(join(root, '.test-work'), { recursive: true })
    writeFileSync(script, code!)
    const consumer = spawn(process.execPath, [script], {
      env: { ...process.env, NATS_URL: nats.url },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let heard = ''
    consumer.stdout.setEncoding('utf8').on('data', (chunk) => (heard += chunk))
    try {
      await until('this machine is heard to be healthy', async () => /duxnet\.NodeHealthChanged .*"to":"healthy"/.test(heard))
    } finally {
      consumer.kill()
    }
    const sequences = heard
      .trim()
      .split('\n')
      .map((line) => Number(line.split(' ')[0]))
    assert.equal(
      sequences,
      sequences.map((_, at) => at + 1),
    )
    assert.match(heard.split('\n')[0]!, 'duxnet.NetworkFounded')
  })
}

test.run()
