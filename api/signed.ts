import { z } from 'zod'
import { type RequestType, requestKinds } from '../commands/requests/catalogue.ts'
import type { Reading } from '../commands/requests/submit.ts'
import type { Json } from '../domain/canonical.ts'
import { checkRoute } from './alias.ts'
import type { Deps } from './deps.ts'
import { signExample, signerOf } from './example-signers.ts'
import { parseJson } from './json.ts'
import { ApiProblem, type ProblemCode } from './problem.ts'
import { orUnavailable } from './reading.ts'
import { type Asked, json, type Route, type Success } from './route.ts'
import { envelopeWith } from './schemas.ts'

// Addresses of what is signed, in the commands' envelope, but is no command of the log.

const envelopeProblems: readonly ProblemCode[] = [
  'CommandMalformed',
  'CommandUnknownType',
  'CommandTooLarge',
  'SignatureInvalid',
  'AudienceMismatch',
  'CommandStale',
  'CommandFromTheFuture',
]
const storeProblems: readonly ProblemCode[] = ['Overloaded', 'ReadModelBuilding', 'PrivateStoreUnavailable']

/** What every request that changes something can be refused with. */
export const requestProblems: readonly ProblemCode[] = [
  ...envelopeProblems,
  ...storeProblems,
  'BodyMalformed',
  'BodyTooLarge',
  'MediaTypeUnsupported',
  'CommandNotForThisRoute',
  'CommandIdReused',
  'RequestsTooMany',
  'CommandsTooMany',
]

/** What every read that says who reads can be refused with. */
export const readerProblems: readonly ProblemCode[] = [...envelopeProblems, ...storeProblems, 'AuthorizationRequired']

const outcome = z.enum(['done', 'repeated']).describe('`repeated`: it was done before; what is shown only once is not shown again')

export interface SignedRoute {
  readonly path: string
  readonly type: RequestType
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly params?: z.ZodType
  readonly bytesMax?: number
  /** 201 when it makes something. */
  readonly status: 200 | 201
  readonly done: string
  readonly answer: z.ZodObject
  readonly example: { readonly subject: string; readonly data: Readonly<Record<string, Json>>; readonly answer: object }
  readonly problems: readonly ProblemCode[]
}

/** An address that takes one type of request. */
export function signedRoute({ path, type, status, done, answer, example, bytesMax = 16 * 1024, ...rest }: SignedRoute): Route {
  const schema = answer.extend({ outcome }).meta({ id: `${type}Answer` })
  const success = (description: string, outcome: string): Success => ({
    description,
    schema,
    example: { ...example.answer, outcome },
  })
  return {
    method: 'POST',
    path,
    tag: rest.tag,
    summary: rest.summary,
    description: `Takes a signed \`${type}\`. ${rest.description ?? ''}`.trim(),
    ...(rest.params && { params: rest.params }),
    body: {
      schema: envelopeWith(type, requestKinds[type].data),
      bytesMax,
      example: signExample(type, { signer: signerOf('node'), ...example }),
    },
    successes:
      status === 200
        ? { 200: success(done, 'done') }
        : { 201: success(done, 'done'), 200: success('It was done before', 'repeated') },
    problems: [...requestProblems, ...rest.problems],
    lane: 'command',
    async handle(asked, deps) {
      checkRoute(asked.body, type, asked.params as Record<string, string>)
      const limit = deps.rates({ type, key: (asked.body as { publicKey?: unknown } | null)?.publicKey }, asked.address)
      limit.check()
      const { outcome, answer } = await inStore(deps, deps.requests.submit(asked.body))
      if (outcome === 'done') limit.spend()
      return json(outcome === 'done' ? status : 200, { ...answer, outcome })
    },
  }
}

/** What `work` reads for the key that the `Authorization` header shows. */
export function readAs<T>(
  { authorization }: Pick<Asked, 'authorization'>,
  deps: Deps,
  work: (reading: Reading) => Promise<T>,
): Promise<T> {
  return inStore(deps, deps.requests.read(envelopeIn(authorization), work))
}

function inStore<T>({ limits, isUnavailable }: Deps, work: Promise<T>): Promise<T> {
  return orUnavailable(work, limits.readMs, isUnavailable, 'PrivateStoreUnavailable')
}

const scheme = /^DuxNet ([\w-]+)$/i

function envelopeIn(authorization: string | undefined): unknown {
  const encoded = authorization === undefined ? undefined : scheme.exec(authorization)?.[1]
  try {
    if (encoded !== undefined) return parseJson(Buffer.from(encoded, 'base64url').toString('utf8'))
  } catch {
    // What is no JSON is no authorization.
  }
  throw new ApiProblem('AuthorizationRequired', {}, { 'www-authenticate': 'DuxNet' })
}
