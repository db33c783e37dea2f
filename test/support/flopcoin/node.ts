// A Flopcoin Core node to test against: a real chain behind the RPC of Core 1.14, which can be killed, slowed and made to lose replies.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { openTestChain, type TestChain } from './chain.ts'
import { coreMethods, RpcError } from './methods.ts'
import { type WatchWallet, watchWallet } from './wallet.ts'

export interface TestNode {
  /** With its credentials. It stays the same over `kill` and `restart`. */
  readonly url: string
  readonly chain: TestChain
  /** Calls that were answered or lost, by method. */
  readonly calls: ReadonlyMap<string, number>
  /** Every output of every block of the chain: its script in hexadecimal, its units. */
  outputs(): Promise<readonly { readonly script: string; readonly value: bigint }[]>
  /** From now on; undefined fields are as they were. */
  disturb(faults: Faults): void
  /** Breaks every connection and listens no more; what waits in the mempool is lost. */
  kill(): Promise<void>
  restart(): Promise<void>
  /** Another node on the same chain: its wallet has never watched anything. */
  replaceWallet(): void
  close(): Promise<void>
}

export interface Faults {
  /** Share of replies that are lost after the call took effect. */
  readonly lostReplies?: number
  /** Milliseconds that each reply waits. */
  readonly delayMs?: number
  /** From 0 to 1, by a seed: which replies are lost is the same each time. */
  readonly random?: () => number
  /** Only these methods' replies are lost. */
  readonly methods?: readonly string[]
}

const credentials = 'flop:secret'

/** `blocks` are mined first: 101 and more give the miner coins to pay with. */
export async function startTestNode({ blocks = 130 } = {}): Promise<TestNode> {
  const chain = await openTestChain()
  let wallet: WatchWallet = watchWallet(chain)
  let methods = coreMethods(chain, wallet)
  let faults: Faults = {}
  const calls = new Map<string, number>()
  await chain.mine(blocks)
  let server = await listen(0)
  const { port } = server.address() as AddressInfo

  async function listen(at: number): Promise<Server> {
    const made = createServer((request, response) => void handle(request, response).catch(() => response.destroy()))
    made.listen(at, '127.0.0.1')
    await once(made, 'listening')
    return made
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const serving = server
    if (request.headers.authorization !== `Basic ${Buffer.from(credentials).toString('base64')}`) {
      response.writeHead(401).end()
      return
    }
    const body = JSON.parse(await text(request))
    const isBatch = Array.isArray(body)
    const answers = []
    for (const call of isBatch ? body : [body]) answers.push(await answer(call))
    if (faults.delayMs) await sleep(faults.delayMs)
    if (serving !== server || isLost(isBatch ? body[0]?.method : body.method)) {
      request.socket.destroy()
      return
    }
    const code = answers[0]?.error?.code
    const status = isBatch || code === undefined ? 200 : code === -32601 ? 404 : 500
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(isBatch ? answers : answers[0])}\n`)
  }

  function isLost(method: string | undefined): boolean {
    const { lostReplies = 0, random = Math.random, methods: only } = faults
    return (!only || only.includes(method ?? '')) && random() < lostReplies
  }

  async function answer({ id, method, params }: { id: unknown; method: string; params: never[] }) {
    calls.set(method, (calls.get(method) ?? 0) + 1)
    try {
      const call = methods[method]
      if (!call) throw new RpcError(-32601, 'Method not found')
      return { result: (await call(...params)) ?? null, error: null, id }
    } catch (error) {
      const { code = -1, message } = error as RpcError
      return { result: null, error: { code, message }, id }
    }
  }

  async function stop(): Promise<void> {
    const ending = server
    server = undefined as unknown as Server
    ending.close()
    ending.closeAllConnections()
  }

  return {
    url: `http://${credentials}@127.0.0.1:${port}/`,
    chain,
    calls,
    async outputs() {
      const found = []
      for (let height = 1; height <= chain.height; height++)
        for (const tx of (await chain.chain.getBlock(height))!.txs)
          for (const { script, value } of tx.outputs) found.push({ script: script.toRaw().toString('hex'), value: BigInt(value) })
      return found
    },
    disturb(changes) {
      faults = { ...faults, ...changes }
    },
    async kill() {
      await stop()
      await chain.forgetMempool()
    },
    async restart() {
      server = await listen(port)
    },
    replaceWallet() {
      wallet = watchWallet(chain)
      methods = coreMethods(chain, wallet)
    },
    async close() {
      await stop()
      await chain.close()
    },
  }
}
