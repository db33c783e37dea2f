import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CallOutcomeUnknown, createRpc, NodeRefused } from '../../../adapters/flopcoin/rpc.ts'
import { ChainUnavailable } from '../../../commands/ports.ts'
import { startTestNode, type TestNode } from '../../support/flopcoin/node.ts'

const rpc = suite('the RPC of a node')
let node: TestNode
const quick = { attempts: 3, pauseMs: 1, timeoutMs: 2000 }

rpc.before(async () => {
  node = await startTestNode({ blocks: 3 })
})
rpc.after(() => node.close())
rpc.after.each(() => node.disturb({ lostReplies: 0, delayMs: 0, methods: [] }))

/** A server that answers as `reply` says, for as long as `work` takes. */
async function withServer(
  reply: (request: IncomingMessage, response: ServerResponse) => void,
  work: (url: string) => Promise<void>,
) {
  const server = createServer(reply).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`).finally(() => {
    server.close()
    server.closeAllConnections()
  })
}

const rejection = (work: Promise<unknown>) =>
  work.then(
    () => assert.unreachable('it should have failed'),
    (error: unknown) => error,
  )

rpc('gives answers, and refusals with their code', async () => {
  const client = createRpc({ url: node.url, ...quick })
  assert.match(String(await client.read('getbestblockhash')), /^[0-9a-f]{64}$/)
  const refused = await rejection(client.read('getblockhash', [1_000]))
  assert.instance(refused, NodeRefused)
  assert.is((refused as NodeRefused).code, -8)
  assert.is(((await rejection(client.read('walletcreatefundedpsbt'))) as NodeRefused).code, -32601, 'Core 1.14 has none')
})

rpc('asks for much at once, and keeps answers and refusals apart', async () => {
  const client = createRpc({ url: node.url, ...quick })
  const before = node.calls.get('getblockhash') ?? 0
  const answers = await client.readMany([0, 99, 3].map((height) => ['getblockhash', height]))
  assert.is((node.calls.get('getblockhash') ?? 0) - before, 3)
  assert.type(answers[0], 'string')
  assert.instance(answers[1], NodeRefused)
  assert.type(answers[2], 'string')
  assert.is((await client.readMany(Array.from({ length: 450 }, () => ['getblockhash', 1]))).length, 450)
  assert.equal(await client.readMany([]), [])
})

rpc('tries reads again while the node is away, and no other call', async () => {
  const client = createRpc({ url: node.url, ...quick })
  let left = 2
  node.disturb({ lostReplies: 1, methods: ['getbestblockhash'], random: () => (left-- > 0 ? 0 : 1) })
  assert.type(await client.read('getbestblockhash'), 'string')
  node.disturb({ lostReplies: 1, methods: ['importaddress'], random: () => 0 })
  const before = node.calls.get('importaddress') ?? 0
  assert.instance(
    await rejection(client.send('importaddress', ['mfWxJ45yp2SFn7UciZyNpvDKrzbhyfKrY8', '', false])),
    CallOutcomeUnknown,
  )
  assert.is(node.calls.get('importaddress')! - before, 1)
})

rpc('knows a node that was never reached from an answer that was lost', async () => {
  const client = createRpc({ url: node.url, ...quick })
  await node.kill()
  assert.instance(await rejection(client.send('sendrawtransaction', ['00'])), ChainUnavailable)
  assert.instance(await rejection(client.read('getbestblockhash')), ChainUnavailable)
  await node.restart()
  assert.type(await client.read('getbestblockhash'), 'string')
})

rpc('waits only so long', async () => {
  const client = createRpc({ url: node.url, attempts: 1, timeoutMs: 50 })
  node.disturb({ delayMs: 500 })
  assert.instance(await rejection(client.read('getbestblockhash')), ChainUnavailable)
  assert.instance(await rejection(client.send('getbestblockhash')), CallOutcomeUnknown)
})

rpc('is let in by password or by cookie, and says neither', async () => {
  const { origin, username, password } = new URL(node.url)
  const refused = await rejection(createRpc({ url: origin, ...quick }).read('getbestblockhash'))
  assert.instance(refused, ChainUnavailable)
  const wrong = (await rejection(
    createRpc({ url: node.url.replace('secret', 'wr0ng'), ...quick }).read('getbestblockhash'),
  )) as Error
  assert.not.match(`${wrong.message}${wrong.stack}`, /wr0ng/)

  const directory = mkdtempSync(join(tmpdir(), 'duxnet-cookie-'))
  const cookieFile = join(directory, '.cookie')
  const client = createRpc({ url: origin, cookieFile, ...quick })
  assert.match(((await rejection(client.read('getbestblockhash'))) as Error).message, /cookie/)
  writeFileSync(cookieFile, `${username}:${password}\n`)
  assert.type(await client.read('getbestblockhash'), 'string')
  rmSync(directory, { recursive: true })
})

rpc('takes in no more than it was told to', () =>
  withServer(
    (_, response) => response.end(`{"result":"${'x'.repeat(100_000)}","error":null,"id":0}`),
    async (url) => {
      const refused = (await rejection(
        createRpc({ url, answerBytesMax: 50_000, attempts: 1 }).read('getblock'),
      )) as ChainUnavailable
      assert.match(String((refused.cause as Error).cause), /longer than 50000/)
    },
  ),
)

rpc('treats what is no answer as none', async () => {
  for (const body of ['<html>', '', '{}{', '[1]', '{"result":1,"error":{"code":"x"}}'])
    await withServer(
      (_, response) => response.end(body),
      async (url) => {
        assert.instance(await rejection(createRpc({ url, ...quick }).send('sendrawtransaction')), CallOutcomeUnknown, body)
        assert.instance(await rejection(createRpc({ url, ...quick }).read('getblock')), ChainUnavailable, body)
      },
    )
})

rpc('waits for a node that is starting or busy', async () => {
  const replies: [number, string][] = [
    [500, '{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":0}'],
    [503, 'Work queue depth exceeded'],
    [200, '{"result":"ready","error":null,"id":2}'],
  ]
  await withServer(
    (_, response) => {
      const [status, body] = replies.shift()!
      response.writeHead(status).end(body)
    },
    async (url) => assert.is(await createRpc({ url, ...quick }).read('getbestblockhash'), 'ready'),
  )
})

rpc.run()
