// Clients and providers that do escrows through a running program's API, and learn what the program itself did from the event store.
import { createHash } from 'node:crypto'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { resultBytes } from '../../domain/escrow/result-proof.ts'
import { ownIdOf } from '../../domain/wallet/state.ts'
import { type BenchNode, benchNode, order } from './commands.ts'
import { connectHttp, get, type HttpConnection, positionIn, post } from './http.ts'
import type { Program } from './program.ts'

/** A client and a provider, with a wallet each. */
export interface Deal {
  readonly client: BenchNode
  readonly provider: BenchNode
}

export interface Market {
  readonly deals: readonly Deal[]
  /** One whole escrow; milliseconds from its first command until the provider's balance shows the credit. */
  cycle(deal: Deal): Promise<number>
  /** Sends `amount` from the client to the provider; milliseconds until the provider's balance shows it. */
  transfer(deal: Deal, amount: string): Promise<number>
  /** The whole log, decoded. */
  log(): AsyncIterable<Fact>
}

const amount = '1000000'
const terms = Buffer.alloc(32, 1).toString('base64url')
const resultHash = createHash('sha256').update('the result').digest('hex')
const windows = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }

export async function openMarket(open: AsyncDisposableStack, program: Program, pairs: number): Promise<Market> {
  const { port, networkId } = program
  const store = connectEventStore({ connectionString: program.eventStore, namespace: 'dux' })
  open.defer(() => store.close())

  const happened = new Map<string, (position: bigint) => void>()
  const watching = new AbortController()
  const after = await store.head()
  const watch = (async () => {
    for await (const message of store.subscribe({ signal: watching.signal, ...(after && { after }) })) {
      if (message.kind !== 'event') continue
      const { type, data, position } = message.event
      const { holdId, source } = data as { holdId?: string; source?: { escrowId?: string; transferId?: string } }
      const key = `${type} ${holdId ?? source?.escrowId ?? source?.transferId}`
      happened.get(key)?.(position)
      happened.delete(key)
    }
  })().catch((error) => {
    if (!watching.signal.aborted) throw error
  })
  open.defer(async () => {
    watching.abort()
    await watch
  })

  const waitFor = (type: string, id: string) => new Promise<bigint>((resolve) => happened.set(`${type} ${id}`, resolve))

  // The last one used is the next: those that were needed once only are closed by the server in the end.
  const free: HttpConnection[] = []
  async function ask(request: Buffer, wanted: number): Promise<bigint> {
    const connection = free.pop() ?? (await connected())
    const answer = await connection.ask(request)
    free.push(connection)
    if (answer.status !== wanted) throw new Error(`answered ${answer.status}: ${answer.head}\n${answer.body}`)
    return positionIn(answer)
  }
  async function connected(): Promise<HttpConnection> {
    const connection = connectHttp(port, () => {
      const at = free.indexOf(connection)
      if (at >= 0) free.splice(at, 1)
    })
    open.defer(() => connection.close())
    await connection.open
    return connection
  }

  const send = (who: BenchNode, type: string, subject: string, data: Parameters<typeof order>[4]) =>
    ask(post(port, '/v1/commands', order(who, networkId, type, subject, data)), 201)

  /** The node's id is its wallet's: that of the command which opened it. */
  async function wallet(): Promise<BenchNode> {
    const { signer } = benchNode()
    const envelope = order({ id: '', signer }, networkId, 'OpenWallet', '', {})
    await ask(post(port, '/v1/commands', envelope), 201)
    return { id: envelope.command.subject, signer }
  }

  const deals: Deal[] = []
  for (let n = 0; n < pairs; n++) {
    const [client, provider] = [await wallet(), await wallet()]
    await send(client, 'IssueTestDeposit', client.id, { amount: '1000000000000000' })
    deals.push({ client, provider })
  }

  return {
    deals,
    async cycle({ client, provider }) {
      const startedAt = performance.now()
      const data = { client: client.id, provider: provider.id, amount, terms, fallbackProviderPermille: 0, windows }
      const opening = order(client, networkId, 'OpenEscrow', '', data)
      const escrowId = opening.command.subject
      const captured = waitFor('HoldCaptured', escrowId)
      const credited = waitFor('CreditPosted', escrowId)
      await ask(post(port, '/v1/commands', opening), 201)
      await send(client, 'PlaceHold', client.id, { escrowId })
      await captured
      await send(provider, 'StartEscrow', escrowId, {})
      const signature = provider.signer.sign(resultBytes({ networkId, escrowId, resultHash }))
      await send(provider, 'DeliverResult', escrowId, { resultHash, signature })
      await send(client, 'ReleaseEscrow', escrowId, { resultHash })
      await ask(get(port, `/v1/wallets/${provider.id}?after=${await credited}`), 200)
      return performance.now() - startedAt
    },
    async transfer({ client, provider }, amount) {
      const startedAt = performance.now()
      const envelope = order(client, networkId, 'Transfer', client.id, { to: provider.id, amount })
      const credited = waitFor('CreditPosted', ownIdOf(client.id, envelope.command.commandId))
      await ask(post(port, '/v1/commands', envelope), 201)
      await ask(get(port, `/v1/wallets/${provider.id}?after=${await credited}`), 200)
      return performance.now() - startedAt
    },
    async *log() {
      for await (const event of store.readAll()) yield decode(event)
    },
  }
}
