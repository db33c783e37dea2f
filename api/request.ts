import express, { type Request, type Response } from 'express'
import type { z } from 'zod'
import { parseJson } from './json.ts'
import { ApiProblem } from './problem.ts'

/** The query's parameters as `schema` makes them; without one there must be none. Throws `ParameterInvalid`. */
export function queryOf(url: string, schema: z.ZodType | undefined): unknown {
  const question = url.indexOf('?')
  const given: Record<string, string> = {}
  for (const [name, value] of new URLSearchParams(question < 0 ? '' : url.slice(question + 1))) {
    if (Object.hasOwn(given, name)) throw new ApiProblem('ParameterInvalid', { parameter: name, reason: 'is given twice' })
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
  throw new ApiProblem('ParameterInvalid', { parameter: field, reason })
}

/** Where the first fault is, as `data.vitals.cores`, and what it is. */
export function firstIssue({ issues: [issue] }: z.ZodError): { field: string; reason: string } {
  const unknown = issue!.code === 'unrecognized_keys' ? issue!.keys[0] : undefined
  const path = unknown === undefined ? issue!.path : [...issue!.path, unknown]
  return { field: path.join('.'), reason: unknown === undefined ? issue!.message : 'is not known here' }
}

const jsonMediaType = /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i

/** Reads a JSON body. Throws `MediaTypeUnsupported`, `BodyTooLarge`, `BodyMalformed`, `JsonFault`. */
export function bodyReader(bytesMax: number): (request: Request, response: Response) => Promise<unknown> {
  const raw = express.raw({ type: () => true, limit: bytesMax, inflate: false })
  return async (request, response) => {
    if (!jsonMediaType.test(request.headers['content-type'] ?? '')) throw new ApiProblem('MediaTypeUnsupported')
    await new Promise<void>((resolve, reject) =>
      raw(request, response, (error?: unknown) => (error === undefined ? resolve() : reject(bodyProblem(error, bytesMax)))),
    )
    request.body = parseJson(decode(request.body as Buffer | undefined))
    return request.body
  }
}

// A byte order mark is no JSON, so it is kept and refused.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decode(bytes: Buffer | undefined): string {
  try {
    return bytes ? utf8.decode(bytes) : ''
  } catch {
    throw new ApiProblem('BodyMalformed', { reason: 'the body is not UTF-8' })
  }
}

function bodyProblem(error: unknown, bytesMax: number): unknown {
  const type = error instanceof Error && 'type' in error ? error.type : undefined
  if (type === 'entity.too.large') return new ApiProblem('BodyTooLarge', { bytesMax })
  if (type === 'encoding.unsupported') return new ApiProblem('MediaTypeUnsupported')
  if (type === 'request.size.invalid' || type === 'request.aborted') return new ApiProblem('RequestMalformed')
  return error
}

/** The header, where it is one of W3C Trace Context, version 00. */
export function traceparentOf({ headers: { traceparent } }: Request): string | undefined {
  const valid = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/
  return typeof traceparent === 'string' && valid.test(traceparent) ? traceparent : undefined
}
