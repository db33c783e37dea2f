import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSender, type ResolveName, type SenderOptions } from '../../adapters/webhooks/send.ts'
import { answers, openReceiver, type Receiver } from '../infra/receiver.ts'
import { testCertificate } from '../support/certificates.ts'

const sending = suite<{ receiver: Receiver }>('webhook sender')
sending.before.each(async (context) => {
  context.receiver = await openReceiver()
})
sending.after.each(({ receiver }) => receiver.close())

const message = { id: 'msg_1', timestamp: 1_614_265_330, body: '{"a":"ä"}' }
const here: ResolveName = async () => [{ address: '127.0.0.1', family: 4 }]

async function send(url: string, options: Partial<SenderOptions> = {}, signal = new AbortController().signal) {
  const sender = createSender({ allowPrivate: true, timeoutMs: 2000, userAgent: 'test', ...options })
  try {
    return await sender.send(url, message, 'v1,abc', signal)
  } finally {
    sender.close()
  }
}

const errorOf = (outcome: Awaited<ReturnType<typeof send>>) => (outcome.status === null ? outcome.error : undefined)
const portOf = ({ url }: Receiver) => new URL(url).port

sending('posts the message with its three headers', async ({ receiver }) => {
  assert.equal(await send(receiver.url), { status: 204, retryAfterMs: undefined })
  const [{ headers, text }] = receiver.received as [(typeof receiver.received)[0]]
  assert.is(text, message.body)
  assert.equal(
    [headers['webhook-id'], headers['webhook-timestamp'], headers['webhook-signature'], headers['content-length']],
    ['msg_1', '1614265330', 'v1,abc', '10'],
  )
})

sending(
  'a name that stands for a private address is refused, whatever else it stands for at another time',
  async ({ receiver }) => {
    const url = `https://receiver.example:${portOf(receiver)}/`
    const options = { allowPrivate: false, resolve: here }
    assert.is(errorOf(await send(url, options)), 'receiver.example is a private address')
    for (const address of ['10.1.2.3', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
      const family = address.includes(':') ? 6 : 4
      assert.match(errorOf(await send(url, { ...options, resolve: async () => [{ address, family }] }))!, 'is a private address')
    }
    assert.is(receiver.received.length, 0)
  },
)

sending('a name is asked for once, and what was looked at is what is connected to', async ({ receiver }) => {
  let asked = 0
  // A name server that answers well when it is looked at and ill when it counts has no second answer to give.
  const rebinding: ResolveName = async () => {
    asked += 1
    return [{ address: asked === 1 ? '127.0.0.1' : '203.0.113.1', family: 4 }]
  }
  const url = `http://rebinding.example:${portOf(receiver)}/`
  assert.is((await send(url, { resolve: rebinding })).status, 204)
  assert.is(asked, 1)
  assert.is(receiver.received[0]!.headers.host, `rebinding.example:${portOf(receiver)}`)
})

sending('an address in the URL itself is looked at, too', async ({ receiver }) => {
  for (const host of ['127.0.0.1', '[::1]', '2130706433', '[::ffff:7f00:1]'])
    assert.is(
      errorOf(await send(`https://${host}:${portOf(receiver)}/`, { allowPrivate: false })),
      'the address is a private address',
    )
  assert.is(errorOf(await send(receiver.url, { allowPrivate: false })), 'the address must be https')
})

sending('what cannot be resolved or reached says so', async () => {
  const nobody: ResolveName = async () => []
  assert.is(errorOf(await send('http://nobody.example/', { resolve: nobody })), 'nobody.example has no address')
  const broken: ResolveName = async () => {
    throw Object.assign(new Error('x'), { code: 'ENOTFOUND' })
  }
  assert.is(errorOf(await send('http://nobody.example/', { resolve: broken })), 'ENOTFOUND')
  assert.is(errorOf(await send('http://127.0.0.1:1/')), 'ECONNREFUSED')
})

sending('a redirect is an answer like any other', async ({ receiver }) => {
  receiver.behave(answers(302, { location: 'http://127.0.0.1:1/' }))
  assert.is((await send(receiver.url)).status, 302)
})

sending('Retry-After is read as seconds and as a date, and never beyond a day', async ({ receiver }) => {
  const retryAfter = async (text: string) => {
    receiver.behave(answers(503, { 'retry-after': text }))
    const outcome = await send(receiver.url)
    return outcome.status === null ? undefined : outcome.retryAfterMs
  }
  assert.is(await retryAfter('120'), 120_000)
  assert.is(await retryAfter('999999999'), 86_400_000)
  const inAMinute = (await retryAfter(new Date(Date.now() + 60_000).toUTCString()))!
  assert.ok(inAMinute > 30_000 && inAMinute <= 60_000)
  assert.is(await retryAfter('Wed, 21 Oct 2015 07:28:00 GMT'), 0)
  assert.is(await retryAfter('soon'), undefined)
})

sending('a receiver that says nothing, or no HTTP, is given up in time', async () => {
  const open = new Set<Socket>()
  for (const [said, error] of [
    ['', 'no answer within 0.2 s'],
    ['HTTP/1.1 200 OK\r\nx: ', 'no answer within 0.2 s'],
    ['SSH-2.0-OpenSSH\r\n', 'HPE_INVALID_CONSTANT'],
  ] as const) {
    const server = createServer((socket) => {
      open.add(socket)
      socket.on('error', () => {})
      socket.write(said)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    assert.is(errorOf(await send(`http://127.0.0.1:${port}/`, { timeoutMs: 200 })), error)
    for (const socket of open) socket.destroy()
    server.close()
  }
})

sending('a name server that never answers is given up in time, too', async () => {
  const never: ResolveName = () => new Promise(() => {})
  assert.is(errorOf(await send('http://slow.example/', { resolve: never, timeoutMs: 100 })), 'no answer within 0.1 s')
})

sending('the end of the process ends a request at once', async () => {
  const hanging = await openReceiver(() => {})
  const ending = new AbortController()
  const sent = send(hanging.url, {}, ending.signal)
  await hanging.until(1)
  ending.abort()
  assert.is((await sent).status, null)
  await hanging.close()
})

sending('a connection that the receiver has ended meanwhile is opened again', async () => {
  const receiver = await openReceiver((_, response) => {
    response.writeHead(204).end()
    // After the answer, without saying so in it.
    setTimeout(() => response.socket?.destroy(), 1)
  })
  const sender = createSender({ allowPrivate: true, timeoutMs: 2000, userAgent: 'test' })
  for (let count = 0; count < 20; count++) {
    assert.is((await sender.send(receiver.url, message, 'v1,abc', new AbortController().signal)).status, 204)
    await new Promise((resolve) => setTimeout(resolve, count % 3))
  }
  sender.close()
  await receiver.close()
})

sending('https: the certificate must be one that is trusted, and of the name that was asked for', async () => {
  const { ca, cert, key } = testCertificate()
  const server = createTlsServer({ cert, key }, (_, response) => response.writeHead(204).end())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const to = (name: string, options: Partial<SenderOptions> = {}) => send(`https://${name}:${port}/`, { resolve: here, ...options })
  assert.is((await to('localhost', { ca })).status, 204)
  assert.is(errorOf(await to('other.example', { ca })), 'ERR_TLS_CERT_ALTNAME_INVALID')
  assert.match(errorOf(await to('localhost'))!, /SELF_SIGNED|UNABLE_TO_VERIFY/)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

sending.run()
