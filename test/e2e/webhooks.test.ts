// Webhooks of the whole program, which is killed between sending a message and writing that it was sent.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { machineProfile } from '../../infra/agent/machine.ts'
import { openReceiver, type Received, type Receiver, taken } from '../infra/receiver.ts'
import { type Program, scratch, startProgram, until } from './program.ts'

const test = suite('webhooks of a program that is killed')
const directory = scratch()
const environment = { DUXNET_ROLES: 'commands,queries,projector,processes,webhooks', DUXNET_WEBHOOKS_ALLOW_PRIVATE: 'true' }
const start = () => startProgram(join(directory.path, 'data'), environment)
let program: Program
let receiver: Receiver

test.before(async () => {
  receiver = await openReceiver()
  program = await start()
})
test.after(async () => {
  await program.kill()
  await receiver.close()
  directory.remove()
})

async function post(path: string, signer: Signer, type: string, subject: string, data: object, commandId = randomUUID()) {
  const command = {
    type,
    subject,
    data: data as Envelope['command']['data'],
    commandId,
    issuedAt: new Date().toISOString(),
    audience: program.run.networkId!,
  }
  const answer = await fetch(new URL(path, program.run.http), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(signCommand(signer, command)),
  })
  assert.is(answer.status, 201, await answer.text())
}

async function register(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const node = signerFrom(generateSeed())
    await post('/v1/nodes', node, 'RegisterNode', nodeIdOf(node.publicKey), { profile: machineProfile('local') })
  }
}

/** Kills the program at a message, before it is answered or as soon as the answer is written; resolves when it is dead. */
function killedAt(index: number, isAnswered: boolean): Promise<void> {
  return new Promise((resolve) =>
    receiver.behave((message, response) => {
      const kill = () => resolve(program.kill())
      if (message.body.index !== index) taken(message, response)
      else if (isAnswered) response.writeHead(204).end(kill)
      else kill()
    }),
  )
}

test('nothing is lost, and what comes twice has its id twice', async () => {
  const webhookId = randomUUID()
  await post('/v1/webhooks', signerFrom(generateSeed()), 'CreateWebhook', webhookId, { url: receiver.url, fromIndex: 0 }, webhookId)
  for (const [index, isAnswered] of [
    [3, false],
    [7, true],
  ] as const) {
    const killed = killedAt(index, isAnswered)
    // It may die in the middle of a command.
    await register(5).catch(() => {})
    await killed
    program = await start()
  }
  receiver.behave(taken)
  await register(1)
  const { body } = await program.get<{ checks: { name: string }[] }>('/readyz?verbose')
  assert.ok(body.checks.some(({ name }) => name === 'webhooks'))
  const highest = () => Math.max(...receiver.received.map(({ body }) => body.index))
  await until('what was sent last has come', async () => highest() >= 8)
  const byIndex = Map.groupBy(receiver.received, ({ body }) => body.index as number)
  for (let index = 0; index <= highest(); index++) assert.ok(byIndex.has(index), `message ${index} came`)
  for (const [index, messages] of byIndex) assert.is(new Set(messages.map(({ id }) => id)).size, 1, `message ${index}`)
  assert.is(byIndex.get(3)!.length, 2, 'the one that was not answered came again')
  assertInOrder(receiver.received)
})

/** Each message is the next one, or one that came before. */
function assertInOrder(received: readonly Received[]): void {
  let next = 0
  for (const { body } of received) {
    assert.ok(body.index <= next, `message ${body.index} came before ${next}`)
    next = Math.max(next, body.index + 1)
  }
}

test.run()
