// An export of the log (design.md 6): NDJSON of one header, the events by dense index, one trailer. Each line has exactly one
// spelling and each event's line its hash, so a file is either the bytes that the writer made or an error that names the line.
import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { canonicalJson, isCanonical, type Json, NotCanonical } from '../../domain/canonical.ts'
import { type CanonicalEvent, canonicalEvent, type LogEntry, type RecordedEvent } from '../../domain/event.ts'
import { uuidSchema } from '../../domain/ids.ts'
import { appendLeaf, emptyTree, isConsistent, leafHash, type MerkleFrontier, rootOf, type TreeHead } from '../../domain/merkle.ts'
import { checkpointIn, NoteInvalid } from '../../domain/signed-note.ts'
import { Failure } from './command.ts'

const format = 'duxnet-log-v2'
/** The events' lines of the first format had no hash. */
const formatWithoutLeaves = 'duxnet-log-v1'
const index = z.int().nonnegative()
const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits')

const headerSchema = z.strictObject({
  format: z.enum([format, formatWithoutLeaves]),
  networkId: uuidSchema,
  /** First and last index; `to` is null for an export to the end of the log as it was then. */
  range: z.strictObject({ from: index, to: index.nullable() }),
  /** Hashes of the perfect subtrees over the events before `from`, largest first: with them a part of the log proves the whole's root. */
  before: z.array(hash),
})

const eventSchema = z.strictObject({
  id: uuidSchema,
  stream: z.string().min(1),
  revision: index,
  type: z.string().min(1),
  // Out of `JSON.parse`, so they are JSON; that they are what the log allows, their canonical form says.
  data: z.unknown(),
  metadata: z.unknown(),
})

const trailerSchema = z.strictObject({
  count: index,
  /** Index of the last event; null when there is none. */
  last: index.nullable(),
  /** RFC 6962 root over the log from its beginning to `last`, in hexadecimal. */
  root: hash,
  /** Of the log when it had these events or more, signed; an export that nobody has signed has none. */
  checkpoint: z.string().optional(),
  /** That the tree of `checkpoint` begins with these events (RFC 6962 §2.1.2). */
  proof: z.array(hash).optional(),
})

export type ExportHeader = z.infer<typeof headerSchema>
export type ExportTrailer = z.infer<typeof trailerSchema>
export interface ExportedEvent {
  readonly index: number
  readonly event: CanonicalEvent
  readonly entry: LogEntry
}

/** A signed checkpoint, and the proof that its tree begins with the events of an export. */
export interface Attestation {
  readonly checkpoint: string
  readonly proof: readonly string[]
}

export interface ExportOptions {
  readonly networkId: string
  readonly from?: number
  readonly to?: number | null
  /** Asked for the trailer, with the tree up to the last event; undefined where nobody has signed it. */
  readonly attest?: (head: TreeHead) => Promise<Attestation | undefined>
}

/** The file is not an export that was written to its end. `line` counts from 1. */
export class ExportDamaged extends Error {
  readonly line: number

  constructor(line: number, why: string) {
    super(`line ${line}: ${why}`)
    this.name = 'ExportDamaged'
    this.line = line
  }
}

/**
 * The lines of an export of `events`, which must be the log from its beginning; those before `from` are hashed and left out. Throws
 * `RangeError` when the log ends before `from`, or before `to`.
 */
export async function* exportLines(
  events: AsyncIterable<CanonicalEvent>,
  { networkId, from = 0, to = null, attest }: ExportOptions,
): AsyncGenerator<string> {
  let tree = emptyTree
  const header = () => {
    const before = tree.subtrees.map((subtree) => subtree.toString('hex'))
    return line({ format, networkId, range: { from, to }, before } satisfies ExportHeader)
  }
  if (from === 0) yield header()
  for await (const event of events) {
    const text = canonicalEvent(event)
    const here = tree.size
    const leaf = leafHash(text)
    tree = appendLeaf(tree, leaf)
    if (here >= from) yield eventLine(here, text, leaf)
    if (tree.size === from) yield header()
    if (here === to) break
  }
  if (tree.size < from || (to !== null && tree.size <= to))
    throw new RangeError(`the log has ${tree.size} events, so its last index is ${tree.size - 1}`)
  const count = tree.size - from
  const root = rootOf(tree)
  const attestation = await attest?.({ size: tree.size, root })
  yield line({ count, last: count ? tree.size - 1 : null, root: root.toString('hex'), ...attestation })
}

const line = (value: Json) => `${canonicalJson(value)}\n`
/** In the canonical order of its members. */
const eventLine = (here: number, canonicalText: string, leaf: Buffer) =>
  `${eventStart}${canonicalText}${eventEnd(here, leaf.toString('hex'))}\n`

/** How the line of an event begins, and how it ends behind the event's text. */
export const eventStart = '{"event":'
const eventEnd = (here: number, leaf?: string) => `,"index":${here}${leaf === undefined ? '' : `,"leaf":"${leaf}"`}}`

/** Takes an export line by line. Both throw `ExportDamaged` for a line that is cut, changed, missing or too many, and for a root that is not the events'. */
export interface ExportReader {
  /** The header first, then the events; undefined for the trailer. */
  take(line: string): ExportHeader | ExportedEvent | undefined
  end(): { readonly trailer: ExportTrailer; readonly tree: MerkleFrontier }
}

export function exportReader(): ExportReader {
  let header: ExportHeader | undefined
  let trailer: ExportTrailer | undefined
  let tree = emptyTree
  let number = 0

  function takeHeader(text: string, value: Record<string, unknown>): ExportHeader {
    header = check(headerSchema, value, number, 'the header')
    if (text !== canonicalJson(header)) throw new ExportDamaged(number, 'the header is not in canonical form')
    tree = { size: header.range.from, subtrees: header.before.map((subtree) => Buffer.from(subtree, 'hex')) }
    if (tree.subtrees.length !== bitsSet(tree.size)) throw new ExportDamaged(number, 'the header has too few or too many hashes')
    return header
  }

  function takeEvent(text: string, value: Record<string, unknown>, { format: version }: ExportHeader): ExportedEvent {
    const here = tree.size
    const event = check(eventSchema, value.event, number, 'the event') as CanonicalEvent
    const canonical = canonicalIn(text, event, here, number)
    const leaf = leafHash(canonical)
    const end = eventEnd(here, version === format ? leaf.toString('hex') : undefined)
    if (!isMadeOf(text, canonical, end)) throw new ExportDamaged(number, faultOf(value, here, leaf))
    tree = appendLeaf(tree, leaf)
    return { index: here, event, entry: { canonical, leaf } }
  }

  return {
    take(text) {
      number += 1
      if (trailer) throw new ExportDamaged(number, 'there is more after the trailer')
      const value = parse(text, number)
      if (!header) return takeHeader(text, value)
      if (Object.hasOwn(value, 'event')) return takeEvent(text, value, header)
      trailer = check(trailerSchema, value, number, 'the trailer')
      if (text !== canonicalJson(trailer as unknown as Json))
        throw new ExportDamaged(number, 'the trailer is not in canonical form')
      checkTrailer(trailer, header, tree, number)
      return undefined
    },
    end() {
      if (!header) throw new ExportDamaged(1, 'the file is empty')
      if (!trailer) throw new ExportDamaged(number + 1, 'the trailer is missing: the file was cut')
      return { trailer, tree }
    },
  }
}

/** Reads an export, many lines at a time: one at a time, half of the time would go into waiting for them. Throws as `ExportReader`. */
export async function* readExport(
  batches: AsyncIterable<readonly string[]>,
): AsyncGenerator<readonly (ExportHeader | ExportedEvent)[], { trailer: ExportTrailer; tree: MerkleFrontier }> {
  const reader = exportReader()
  for await (const lines of batches) {
    const taken: (ExportHeader | ExportedEvent)[] = []
    try {
      for (const line of lines) {
        const one = reader.take(line)
        if (one) taken.push(one)
      }
    } catch (error) {
      // What came before it is good, and whoever reads it may find something there first.
      yield taken
      throw error
    }
    yield taken
  }
  return reader.end()
}

/** Throws `ExportDamaged` for a trailer that does not belong to the events before it. */
function checkTrailer(trailer: ExportTrailer, { range }: ExportHeader, tree: MerkleFrontier, number: number): void {
  const count = tree.size - range.from
  const last = count ? tree.size - 1 : null
  if (trailer.count !== count || trailer.last !== last || (range.to ?? trailer.last) !== trailer.last)
    throw new ExportDamaged(number, `the trailer says ${trailer.count} events to index ${trailer.last}, but there are ${count}`)
  const root = rootOf(tree)
  if (trailer.root !== root.toString('hex')) throw new ExportDamaged(number, 'the root is not that of the events')
  requireConsistency(trailer, { size: tree.size, root }, number)
}

/** What is wrong with the line of event `here`. */
function faultOf(value: Record<string, unknown>, here: number, leaf: Buffer): string {
  if (value.index !== here) return `is not event ${here}: one is missing, moved or too many`
  if (typeof value.leaf === 'string' && value.leaf !== leaf.toString('hex')) return `event ${here} is not what its leaf hash says`
  return `is not event ${here} in canonical form`
}

/** The tree of the checkpoint must begin with the events. Whether its signature holds is for whoever has the key. */
function requireConsistency({ checkpoint, proof }: ExportTrailer, head: TreeHead, number: number): void {
  if (checkpoint === undefined && proof === undefined) return
  try {
    const signed = checkpointIn(checkpoint ?? '')
    const hashes = (proof ?? []).map((text) => Buffer.from(text, 'hex'))
    if (!isConsistent(head, signed, hashes)) throw new NoteInvalid('is of a log that does not begin with these events')
  } catch (error) {
    if (error instanceof NoteInvalid) throw new ExportDamaged(number, `the checkpoint ${error.message}`)
    throw error
  }
}

function parse(text: string, number: number): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ExportDamaged(number, 'is not JSON: the file was cut or changed')
  }
  if (typeof value !== 'object' || value === null) throw new ExportDamaged(number, 'is not an object')
  return value as Record<string, unknown>
}

function check<T>(schema: z.ZodType<T>, value: unknown, number: number, what: string): T {
  const checked = schema.safeParse(value)
  if (checked.success) return checked.data
  const { path, message } = checked.error.issues[0]!
  throw new ExportDamaged(number, `${what} is not valid: ${[path.join('.'), message].filter(Boolean).join(' ')}`)
}

/** The canonical text of the event that `text` is the line of: most often it stands there as it must. */
function canonicalIn(text: string, event: CanonicalEvent, here: number, number: number): string {
  const found = text.slice(eventStart.length, -eventEnd(here, anyLeaf).length)
  return isCanonical(event as unknown as Json, found) ? found : canonicalOf(event, number)
}

const anyLeaf = '0'.repeat(64)

/** Whether a line is that of the event whose text is `canonical`; without making it, which would be half the time of hashing it. */
function isMadeOf(line: string, canonical: string, end: string): boolean {
  const behind = eventStart.length + canonical.length
  // Slices are compared in one go, which `startsWith` does not do.
  return line.startsWith(eventStart) && line.slice(eventStart.length, behind) === canonical && line.slice(behind) === end
}

function canonicalOf(event: CanonicalEvent, number: number): string {
  try {
    return canonicalEvent(event)
  } catch (error) {
    if (error instanceof NotCanonical) throw new ExportDamaged(number, error.message)
    throw error
  }
}

const bitsSet = (size: number) => size.toString(2).replaceAll('0', '').length

/** Splits chunks of UTF-8 at line feeds. Bytes behind the last line feed are a line that was cut, and given as they are. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let rest = ''
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    yield lines
  }
  if (rest) yield [rest]
}

/** One at a time, for those who wait at each anyway. */
export async function* each<One, End>(batches: AsyncGenerator<readonly One[], End>): AsyncGenerator<One, End> {
  try {
    for (;;) {
      const { done, value } = await batches.next()
      if (done) return value
      yield* value
    }
  } finally {
    await batches.return(undefined as never)
  }
}

/** As `readExport`, from a file. Throws `Failure` for one that cannot be read or is damaged. */
export async function* readExportFile(
  path: string,
  lines = linesOf(createReadStream(path, 'utf8')),
): AsyncGenerator<readonly (ExportHeader | ExportedEvent)[], ExportTrailer> {
  try {
    return (yield* readExport(lines)).trailer
  } catch (error) {
    throw exportFailure(path, error)
  }
}

/** What is told of a file that is damaged or cannot be read; any other error as it is. */
export function exportFailure(path: string, error: unknown): unknown {
  if (error instanceof ExportDamaged) return new Failure(`${path}, ${error.message}`)
  if ((error as NodeJS.ErrnoException).syscall) return new Failure(`${path} cannot be read: ${(error as Error).message}`)
  return error
}

const created = new Date(0)

/** Positions are the store's, and a file is none: the index stands for it. */
export function recordedOf({ index, event, entry }: ExportedEvent): RecordedEvent {
  return { ...event, position: BigInt(index), created, entry }
}

/**
 * The events of an export that holds the log from its beginning. Throws `Failure` for a file that begins later, cannot be read or is
 * damaged.
 */
export async function* readExportedLog(
  path: string,
  lines?: AsyncGenerator<readonly string[]>,
): AsyncGenerator<readonly RecordedEvent[], ExportTrailer> {
  const reader = readExportFile(path, lines)
  try {
    for (;;) {
      const { done, value } = await reader.next()
      if (done) return value
      const events: RecordedEvent[] = []
      for (const one of value) {
        if ('event' in one) events.push(recordedOf(one))
        else if (one.range.from > 0) throw new Failure(`${path} starts at event ${one.range.from}: it can be verified, not folded`)
      }
      yield events
    }
  } finally {
    await reader.return(undefined as never)
  }
}
