// The log as a transparency log: tiles, checkpoints and proofs, for whoever trusts nobody. Tiles and their addresses are those of C2SP tlog-tiles.
import { z } from 'zod'
import { consistencyProof, frontierAt, inclusionProof, type MerkleFrontier, type NodeAt, rootOf } from '../domain/merkle.ts'
import { checkpointIn, originOf, verifierKeyOf } from '../domain/signed-note.ts'
import { nodesOf } from '../projections/merkle-log.query.ts'
import { merkleLog, tileWidth } from '../projections/merkle-log.ts'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, many, orUnavailable, positionOf, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { transparencyExamples as example } from './transparency-examples.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const size = z.int().nonnegative()
const sizeParameter = z
  .string()
  .regex(/^(0|[1-9]\d{0,15})$/, 'must be a number of events')
  .transform(Number)

const headSchema = z
  .strictObject({
    origin: z.string().describe('The name of the log, and of its key'),
    verifierKey: z
      .string()
      .nullable()
      .describe('With which checkpoints are verified (C2SP signed-note); null before the network is founded'),
    size: size.describe('How many events the log holds'),
    root: hash.describe('The Merkle root over them (RFC 6962), in hex'),
    signs: z.boolean().describe('Whether this instance signs checkpoints'),
    checkpoint: z.string().nullable().describe('The newest that it has signed'),
  })
  .meta({ id: 'LogHead' })

const inclusionSchema = z
  .strictObject({
    index: size,
    leaf: hash,
    size,
    root: hash,
    proof: z.array(hash).describe('RFC 6962, 2.1.1: nearest first, in hex'),
    checkpoint: z.string().nullable().describe('That vouches for `root`; null where `size` is not the one that was signed'),
  })
  .meta({ id: 'InclusionProof' })

const consistencySchema = z
  .strictObject({
    from: z.strictObject({ size, root: hash }),
    to: z.strictObject({ size, root: hash }),
    proof: z.array(hash).describe('RFC 6962, 2.1.2, in hex'),
    checkpoint: z.string().nullable(),
  })
  .meta({ id: 'ConsistencyProof' })

const forever = { 'cache-control': 'public, max-age=31536000, immutable' } as const
const tileType = 'application/octet-stream'
const entryBytesMax = 65_535

const tag = 'Transparency'

export const transparencyRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/log',
    tag,
    summary: 'How long the log is, its Merkle root, and the key that signs it',
    query: z.strictObject(afterParameter),
    successes: { 200: { description: 'The log', schema: headSchema, example: example.logHead, headers: readHeaders } },
    problems: readProblems,
    lane: 'query',
    async handle({ query: { after } }, deps) {
      const tree = await readAt(deps, merkleLog, after, () => deps.reads.logTree())
      const { value: network } = await orUnavailable(deps.reads.network(), deps.limits.readMs, deps.isUnavailable)
      const origin = originOf(deps.networkId)
      return many(
        tree,
        JSON.stringify({
          origin,
          verifierKey: network ? verifierKeyOf(origin, network.logKey) : null,
          size: tree.value.size,
          root: rootOf(tree.value).toString('hex'),
          signs: deps.checkpoint !== undefined,
          checkpoint: deps.checkpoint?.() ?? null,
        }),
      )
    },
  }),
  route({
    method: 'GET',
    path: '/v1/log/inclusion-proof',
    tag,
    summary: 'That an event is in the log',
    description:
      'With `leaf` (SHA-256 of a zero byte and the canonical event) it leads to `root`. In the tree that was signed last, unless `size` says which.',
    query: z.strictObject({ index: sizeParameter.describe('Of the event'), size: sizeParameter.optional(), ...afterParameter }),
    successes: {
      200: { description: 'The proof', schema: inclusionSchema, example: example.inclusionProof, headers: readHeaders },
    },
    problems: ['SizeUnknown', ...readProblems],
    lane: 'query',
    async handle({ query: { index, size: wanted, after } }, deps) {
      const { tree, size, root, checkpoint, nodes } = await treeAt(deps, after, wanted, index + 1)
      if (index >= size) throw new ApiProblem('SizeUnknown', { size, index }, positionOf(tree))
      const proof = await read(deps, () => inclusionProof(nodes, index, size))
      const leaf = await read(deps, () => nodes(0, index))
      return many(tree, JSON.stringify({ index, leaf: leaf.toString('hex'), size, root, proof: proof.map(hex), checkpoint }))
    },
  }),
  route({
    method: 'GET',
    path: '/v1/log/consistency-proof',
    tag,
    summary: 'That the log begins with what it was before',
    query: z.strictObject({
      from: sizeParameter.describe('How many events it had'),
      to: sizeParameter.optional().describe('How many it has; those that were signed last unless given'),
      ...afterParameter,
    }),
    successes: {
      200: { description: 'The proof', schema: consistencySchema, example: example.consistencyProof, headers: readHeaders },
    },
    problems: ['SizeUnknown', ...readProblems],
    lane: 'query',
    async handle({ query: { from, to: wanted, after } }, deps) {
      const { tree, size, root, checkpoint, nodes } = await treeAt(deps, after, wanted, from)
      if (from > size) throw new ApiProblem('SizeUnknown', { size, from }, positionOf(tree))
      const proof = await read(deps, () => consistencyProof(nodes, from, size))
      const before = { size: from, root: await read(deps, () => rootAt(nodes, from)) }
      return many(tree, JSON.stringify({ from: before, to: { size, root }, proof: proof.map(hex), checkpoint }))
    },
  }),
  route({
    method: 'GET',
    path: '/log/checkpoint',
    tag,
    summary: 'The newest signed checkpoint (C2SP tlog-checkpoint)',
    successes: { 200: { description: 'A signed note', type: 'text/plain; charset=utf-8' } },
    problems: ['CheckpointUnknown'],
    lane: 'none',
    handle(_asked, { checkpoint }) {
      const note = checkpoint?.()
      if (note === undefined) throw new ApiProblem('CheckpointUnknown')
      return { status: 200, type: 'text/plain; charset=utf-8', body: note }
    },
  }),
  route({
    method: 'GET',
    path: '/log/tile/:level/*tile',
    tag,
    summary: 'A tile of the Merkle tree, or the events under one (C2SP tlog-tiles)',
    description:
      '`level` is 0 to 5, or `entries`; `tile` is its index in groups of three digits, all but the last with an `x` before them (`x001/067`), ' +
      'and `.p/<width>` behind it where it is not full. Hashes have 32 bytes each, an entry has its length in two bytes before it.',
    params: z.strictObject({
      level: z.string().regex(/^([0-5]|entries)$/, 'must be 0 to 5, or entries'),
      tile: z
        .union([z.array(z.string()), z.string().transform((part) => [part])])
        .meta({ description: 'Its index', type: 'string', anyOf: undefined }),
    }),
    successes: { 200: { description: 'The tile', type: tileType } },
    problems: ['TileUnknown', 'ReadModelBuilding', 'ReadModelUnavailable', 'Overloaded'],
    lane: 'query',
    async handle({ params: { level, tile } }, deps) {
      const { index, width } = tileIn(tile)
      const parts = await read(deps, () => partsOf(deps, level, index))
      if (parts.length < width) throw new ApiProblem('TileUnknown')
      return { status: 200, type: tileType, body: Buffer.concat(parts.slice(0, width)), headers: forever }
    },
  }),
]

const hex = (bytes: Buffer) => bytes.toString('hex')

function read<T>({ limits, isUnavailable }: Deps, work: () => Promise<T>): Promise<T> {
  return orUnavailable(work(), limits.readMs, isUnavailable)
}

async function rootAt(nodes: NodeAt, size: number): Promise<string> {
  return hex(rootOf(await frontierAt(nodes, size)))
}

/** The tree that a proof is asked for: of `wanted` events, or the one that was signed last if it has `least`, or all. Throws `SizeUnknown`. */
async function treeAt(deps: Deps, after: bigint | undefined, wanted: number | undefined, least: number) {
  const tree: Read<MerkleFrontier> = await readAt(deps, merkleLog, after, () => deps.reads.logTree())
  // The leaves are in another read model, which may be a little behind while one of both is rebuilt.
  const { value: leaves } = await read(deps, () => deps.reads.nextIndex())
  const known = Math.min(tree.value.size, leaves)
  const note = deps.checkpoint?.()
  const signed = note === undefined ? undefined : checkpointIn(note).size
  const size = wanted ?? (signed !== undefined && signed >= least && signed <= known ? signed : known)
  if (size > known) throw new ApiProblem('SizeUnknown', { size: known }, positionOf(tree))
  const nodes = nodesOf(deps.reads)
  const root = size === tree.value.size ? hex(rootOf(tree.value)) : await read(deps, () => rootAt(nodes, size))
  return { tree, size, root, nodes, checkpoint: size === signed ? note! : null }
}

/** What stands in the address of a tile: `x001/234.p/8`. Throws `TileUnknown`. */
function tileIn(path: readonly string[]): { readonly index: number; readonly width: number } {
  const [, groups, last, partial] = /^((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path.join('/')) ?? []
  const index = Number(`${groups ?? ''}${last ?? ''}`.replaceAll(/[x/]/g, ''))
  const width = partial === undefined ? tileWidth : Number(partial)
  // One address a tile: no group of zeros in front.
  if (
    last === undefined ||
    groups!.startsWith('x000') ||
    !Number.isSafeInteger(index * tileWidth) ||
    width > tileWidth ||
    partial === String(tileWidth)
  )
    throw new ApiProblem('TileUnknown')
  return { index, width }
}

async function partsOf({ reads }: Deps, level: string, index: number): Promise<readonly Buffer[]> {
  if (level !== 'entries') return reads.logTile(Number(level), index)
  return (await reads.logEntries(index)).map((text) => {
    const entry = Buffer.from(text)
    if (entry.length > entryBytesMax) throw new Error(`an event of ${entry.length} bytes is no entry of a tile`)
    const length = Buffer.alloc(2)
    length.writeUInt16BE(entry.length)
    return Buffer.concat([length, entry])
  })
}
