import { z } from 'zod'
import type { Envelope } from '../../domain/envelope.ts'

/** What the agent needs to know of the network. */
const networkSchema = z.object({
  networkId: z.string(),
  serverTime: z.iso.datetime(),
  policy: z.object({ heartbeat: z.object({ intervalSeconds: z.number().positive() }) }),
})

const problemSchema = z.object({
  code: z.string().optional(),
  detail: z.string().optional(),
  title: z.string().optional(),
  serverTime: z.iso.datetime().optional(),
})

export type NetworkAnswer = z.infer<typeof networkSchema>

/** The server understood and said no. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  /** From Retry-After. */
  readonly retryAfterSeconds: number | undefined
  readonly serverTime: Date | undefined
}

/** Nobody answered, or the server cannot just now; later it may. */
export class Unavailable extends Error {
  readonly retryAfterSeconds: number | undefined

  constructor(message: string, retryAfterSeconds?: number, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Unavailable'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const timeoutMs = 10_000

/** A DuxNet's API over HTTP, as much of it as an agent needs. All calls throw `Unavailable`, and the signal's reason. */
export interface NetworkClient {
  network(): Promise<NetworkAnswer>
  /** Undefined when the command was accepted, or was already so. */
  send(envelope: Envelope): Promise<Refusal | undefined>
}

export function networkClient(url: string, signal: AbortSignal): NetworkClient {
  async function call(path: string, body?: unknown): Promise<Response> {
    const request: RequestInit = { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) }
    if (body !== undefined)
      Object.assign(request, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
    const answer = await fetch(new URL(path, url), request).catch((error) => {
      signal.throwIfAborted()
      throw new Unavailable(`${url} does not answer: ${reason(error)}`, undefined, { cause: error })
    })
    if (answer.status < 500) return answer
    await answer.body?.cancel()
    throw new Unavailable(`${url} answers ${answer.status}`, retryAfter(answer))
  }

  return {
    async network() {
      const answer = await call('/v1/network')
      const network = networkSchema.safeParse(await answer.json().catch(() => undefined))
      if (!network.success) throw new Unavailable(`${url} answers ${answer.status}, and not as a DuxNet does`)
      return network.data
    },
    async send(envelope) {
      const answer = await call('/v1/commands', envelope)
      const body = await answer.json().catch(() => undefined)
      if (answer.ok) return undefined
      const { code = 'unknown', detail, title, serverTime } = problemSchema.safeParse(body).data ?? {}
      return {
        status: answer.status,
        code,
        message: detail ?? title ?? `status ${answer.status}`,
        retryAfterSeconds: retryAfter(answer),
        serverTime: serverTime === undefined ? undefined : new Date(serverTime),
      }
    },
  }
}

function retryAfter(answer: Response): number | undefined {
  const text = answer.headers.get('retry-after')
  return text !== null && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

const reason = (error: Error & { cause?: { message?: string; code?: string } }) =>
  error.cause?.message || error.cause?.code || error.message
