import { z } from 'zod'
import type { Envelope } from '../../domain/envelope.ts'

/** What the program's own clients need to know of the network. */
const networkSchema = z.object({
  networkId: z.string(),
  kind: z.enum(['test', 'main']),
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

/** A DuxNet's API over HTTP, as much of it as the program's own clients need. All calls throw `Unavailable`, and the signal's reason. */
export interface NetworkClient {
  network(): Promise<NetworkAnswer>
  /** Undefined when the command was accepted, or was already so. */
  send(envelope: Envelope): Promise<Refusal | undefined>
  /** What stands at `path`, as much of it as `schema` names; undefined where there is nothing (yet). */
  get<Answer>(path: string, schema: z.ZodType<Answer>): Promise<Answer | undefined>
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

  async function parsed<Answer>(answer: Response, schema: z.ZodType<Answer>): Promise<Answer> {
    const body = schema.safeParse(await answer.json().catch(() => undefined))
    if (!body.success) throw new Unavailable(`${url} answers ${answer.status}, and not as a DuxNet does`)
    return body.data
  }

  return {
    async network() {
      return parsed(await call('/v1/network'), networkSchema)
    },
    async get(path, schema) {
      const answer = await call(path)
      if (answer.status !== 404) return parsed(answer, schema)
      await answer.body?.cancel()
      return undefined
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
