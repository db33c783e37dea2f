// What every explanation has: a value, what contributed to it, the events that say so with their proofs, and the policy they were decided by.
import { z } from 'zod'
import { instantSchema } from '../domain/ids.ts'
import { inclusionProof, rootOf } from '../domain/merkle.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { nodesOf } from '../projections/merkle-log.query.ts'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { jsonText, many, orUnavailable } from './reading.ts'
import type { Answer } from './route.ts'
import { positionSchema } from './schemas.ts'
import { factOf } from './subject-events.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const index = z.int().nonnegative()

/** The most events of an explanation that come with a proof; `GET /v1/log/inclusion-proof` has those of the rest. */
export const provenMax = 64

const explainedEventSchema = z
  .strictObject({
    index: index.describe('In the log'),
    position: positionSchema,
    type: z.string(),
    recordedAt: instantSchema,
    actor: z.string().describe('Who signed'),
    text: z.string().nullable().describe('What it says, in words, where there are any'),
    leaf: hash,
    proof: z.array(hash).nullable().describe(`That it is in the log (RFC 6962, 2.1.1); of the first ${provenMax}`),
  })
  .meta({ id: 'ExplainedEvent' })

/** The shape of all explanations. */
export function explanationSchema(id: string, value: z.ZodType, contribution: z.ZodType) {
  return z
    .strictObject({
      subject: z.string().describe('What is explained'),
      value,
      contributions: z.array(contribution).describe('What makes it so'),
      policyVersion: z.int().positive().describe("The network's, by which it was decided"),
      events: z.array(explainedEventSchema),
      log: z.strictObject({ size: index, root: hash }).describe('The tree that the proofs lead to'),
    })
    .meta({ id })
}

export interface Explanation {
  readonly subject: string
  readonly value: unknown
  readonly contributions: readonly unknown[]
  readonly policyVersion: number
  /** In the order of the log. */
  readonly events: readonly EventView[]
  /** An event in words. */
  readonly textOf?: (event: EventView) => string
}

/**
 * The answer. Its ETag is weak, for the proofs, which change with every event of the log, are not part of it. Throws as `readAt`.
 */
export async function explained(found: Read<unknown>, explanation: Explanation, deps: Deps): Promise<Answer> {
  const { events, textOf, ...rest } = explanation
  const { etag, headers } = many(found, jsonText([rest, events.map(({ index }) => index)]))
  const body = jsonText({ ...rest, ...(await provenEvents(deps, events, textOf)) })
  return { status: 200, body, etag: `W/${etag}`, headers: { ...headers, 'cache-control': 'no-store' } }
}

/** Events of an explanation, with proofs of the tree as it is now. */
async function provenEvents(deps: Deps, events: readonly EventView[], textOf: Explanation['textOf']) {
  const within = <T>(work: Promise<T>) => orUnavailable(work, deps.limits.readMs, deps.isUnavailable)
  const { value: tree } = await within(deps.reads.logTree())
  const nodes = nodesOf(deps.reads)
  const proofs = await within(
    Promise.all(
      events.slice(0, provenMax).map(({ index }) => (index < tree.size ? inclusionProof(nodes, index, tree.size) : null)),
    ),
  )
  return {
    events: events.map((event, n) => ({
      index: event.index,
      position: event.position,
      type: event.type,
      recordedAt: event.recordedAt,
      actor: factOf(event).metadata.actor,
      text: textOf?.(event) ?? null,
      leaf: event.leaf.toString('hex'),
      proof: proofs[n]?.map((hash) => hash.toString('hex')) ?? null,
    })),
    log: { size: tree.size, root: rootOf(tree).toString('hex') },
  }
}
