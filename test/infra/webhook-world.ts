import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import * as assert from 'uvu/assert'
import { openReader } from '../../adapters/postgres/pool.ts'
import { openPrivateStore } from '../../adapters/postgres/private/store.ts'
import type { Signer } from '../../commands/ports.ts'
import type { WebhookRunner } from '../../commands/processes/webhook-runner.ts'
import { lifetime } from '../../infra/lifetime.ts'
import { openWebhooks, type WebhooksOptions } from '../../infra/webhooks.ts'
import type { ReadModels } from '../../projections/read.ts'
import { type Api, newSigner, profile, type ReadSide, startWhole, vitals } from '../api/harness.ts'
import { readingAs } from '../api/reading-as.ts'

/** The whole API with real read models, and who sends webhooks from them, all by the clock of the test. */
export interface World {
  readonly api: Api
  readonly readSide: ReadSide
  readonly tries: string[]
  readonly runner: WebhookRunner
  /** A webhook to `url` of a key of its own. */
  webhook(url: string, data?: object): Promise<Hook>
  /** A new node registers; answers its id. */
  register(): Promise<string>
  beat(node: Signer & { readonly nodeId: string }): Promise<void>
  /** The clock goes on, and the sender looks at it. */
  pass(seconds: number): void
  /** Ends this sender and starts another one. */
  restart(): Promise<void>
  close(): Promise<void>
}

export interface Hook {
  readonly id: string
  readonly owner: Signer
  readonly secret: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  ask(action: string, type: string, data?: object): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  show(): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  deliveries(state?: string): Promise<any[]>
}

export async function openWorld(options: Partial<WebhooksOptions> = {}): Promise<World> {
  const { api, readSide } = await startWhole({ allowPrivate: true })
  const tries: string[] = []
  let running = start()

  function start() {
    const life = lifetime()
    const store = openPrivateStore({ url: readSide.url })
    const reader = openReader<ReadModels>({ url: readSide.url })
    life.atEnd(store.close)
    life.atEnd(reader.close)
    const runner = openWebhooks({
      engine: { url: readSide.url, store, reader },
      config: { webhooksAllowPrivate: true, webhooksRetryHours: 72 },
      lifetime: life,
      clock: () => api.clock.now,
      log: pino({ level: 'silent' }),
      metrics: { tried: (outcome) => tries.push(outcome), standing: () => {} },
      ...options,
    })
    life.background('the webhooks', (signal) => runner.run(signal))
    return { runner, end: life.end }
  }

  const send = async (...command: Parameters<Api['sign']>) => {
    const reply = await api.post('/v1/commands', api.sign(...command))
    assert.is(reply.status, 201, reply.text)
    // A webhook that is made next begins behind it.
    const position = reply.headers.get('duxnet-position')
    const seen = await api.get(`/v1/events?subject=network:${api.network.networkId}&after=${position}`)
    assert.is(seen.status, 200, seen.text)
    running.runner.moved()
  }

  return {
    api,
    readSide,
    tries,
    get runner() {
      return running.runner
    },
    async webhook(url, data = {}) {
      const owner = newSigner()
      const id = randomUUID()
      const made = await api.post('/v1/webhooks', api.sign(owner, 'CreateWebhook', id, { url, ...data }, { commandId: id }))
      assert.is(made.status, 201, made.text)
      return {
        id,
        owner,
        secret: made.body.secret,
        async ask(action, type, data = {}) {
          const { status, text, body } = await api.post(`/v1/webhooks/${id}/${action}`, api.sign(owner, type, id, data))
          assert.is(status, 200, text)
          running.runner.moved()
          return body
        },
        show: async () => (await api.get(`/v1/webhooks/${id}`, readingAs(api, owner))).body,
        deliveries: async (state) =>
          (await api.get(`/v1/webhooks/${id}/deliveries${state ? `?state=${state}` : ''}`, readingAs(api, owner))).body.deliveries,
      }
    },
    async register() {
      const node = newSigner()
      await send(node, 'RegisterNode', node.nodeId, { profile })
      return node.nodeId
    },
    beat: (node) => send(node, 'RecordHeartbeat', node.nodeId, { vitals }),
    pass(seconds) {
      api.clock.advance(seconds)
      running.runner.moved()
    },
    async restart() {
      await running.end()
      running = start()
    },
    async close() {
      await running.end()
      await api.close()
      await readSide.close()
    },
  }
}

/** Waits until `look` finds something. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + 20_000
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`waited in vain until ${what}`)
    await sleep(20)
  }
}
