import type { Request } from 'express'
import type { z } from 'zod'
import { parseJson } from './json.ts'
import { ApiProblem } from './problem.ts'

/** The query's parameters as `schema` makes them; without one there must be none. Throws `ParameterInvalid`. */
export function queryOf(url: string, schema: z.ZodType | undefined): unknown {
  const question = url.indexOf('?')
  const given: Record<string, string> = Object.create(null)
  for (const [name, value] of new URLSearchParams(question < 0 ? '' : url.slice(question + 1))) {
    if (name in given) throw new ApiProblem('ParameterInvalid', { parameter: name, reason: 'is given twice' })
    given[name] = value
  }
  if (schema) return parametersOf(given, schema)
  const [unknown] = Object.keys(given)
  if (unknown !== undefined) throw new ApiProblem('ParameterInvalid', { parameter: unknown, reason: 'is not known here' })
  return {}
}

/** Throws `ParameterInvalid`. */
export function parametersOf(given: unknown, schema: z.ZodType): unknown {
  const { data, error } = schema.safeParse(given)
  if (!error) return data
  const { field, reason } = firstIssue(error)
  // An entry of a list is its parameter's fault.
  const parameter = field.split('.', 1)[0]!
  throw new ApiProblem('ParameterInvalid', { parameter, reason })
}

/** Where the first fault is, as `data.vitals.cores`, and what it is. */
export function firstIssue({ issues: [issue] }: z.ZodError): { field: string; reason: string } {
  const unknown = issue!.code === 'unrecognized_keys' ? issue!.keys[0] : undefined
  const path = unknown === undefined ? issue!.path : [...issue!.path, unknown]
  return { field: path.join('.'), reason: unknown === undefined ? issue!.message : 'is not known here' }
}

const jsonMediaType = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i

/** What all bodies together may still take while they arrive. */
export interface ByteBudget {
  left: number
}

/** Reads a JSON body. Throws `MediaTypeUnsupported`, `BodyTooLarge`, `Overloaded`, `BodyMalformed`, `JsonFault`. */
export async function readBody(request: Request, bytesMax: number, budget: ByteBudget): Promise<unknown> {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity', 'content-length': length } = request.headers
  if (!jsonMediaType.test(type) || encoding !== 'identity') throw new ApiProblem('MediaTypeUnsupported')
  if (Number(length) > bytesMax) throw new ApiProblem('BodyTooLarge', { bytesMax })
  return parseJson(decode(await bytesOf(request, bytesMax, budget)))
}

/** By events, and not by iteration: that would end the connection where it stops, and the refusal would not arrive. */
function bytesOf(request: Request, bytesMax: number, budget: ByteBudget): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let bytes = 0
  const refuse = (problem: ApiProblem) => {
    // The rest is read and dropped, for as long as a request may take to arrive.
    chunks.length = 0
    reject(problem)
  }
  const take = (chunk: Buffer) => {
    bytes += chunk.length
    budget.left -= chunk.length
    chunks.push(chunk)
    if (bytes > bytesMax) refuse(new ApiProblem('BodyTooLarge', { bytesMax }))
    else if (budget.left < 0) refuse(new ApiProblem('Overloaded'))
  }
  const broken = () => refuse(new ApiProblem('RequestMalformed'))
  request.on('data', take)
  request.on('end', () => {
    // It closes after its end, too, and an error made for nobody costs as much as the parsing.
    request.off('close', broken)
    resolve(Buffer.concat(chunks))
  })
  request.on('error', broken)
  request.on('close', broken)
  return promise.finally(() => {
    request.off('data', take).resume()
    budget.left += bytes
  })
}

// A byte order mark is no JSON, so it is kept and refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new ApiProblem('BodyMalformed', { reason: 'the body is not UTF-8' })
  }
}

/** The header, where it is one of W3C Trace Context, version 00. */
export function traceparentOf({ headers: { traceparent } }: Request): string | undefined {
  const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
  return typeof traceparent === 'string' && valid.test(traceparent) ? traceparent : undefined
}
