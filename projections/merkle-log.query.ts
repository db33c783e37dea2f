import { sql } from 'kysely'
import { type MerkleFrontier, type NodeAt, nodeHash } from '../domain/merkle.ts'
import { eventLog } from './event-log.ts'
import { frontierOf, merkleLog, tileHeight, tileWidth } from './merkle-log.ts'
import { type Answer, answer, type ReadDatabase } from './read.ts'

export interface MerkleLogQueries {
  /** The Merkle tree over all events so far. */
  logTree(): Promise<Answer<MerkleFrontier>>
  /**
   * The hashes of a tile (C2SP tlog-tiles): at `level` 0 the leaves of 256 events, above it the roots of 256 tiles below. As many as there
   * are: the newest tile of a level is not full.
   */
  logTile(level: number, index: number): Promise<readonly Buffer[]>
  /** The canonical texts of the events whose leaves are in a tile of level 0. */
  logEntries(index: number): Promise<readonly string[]>
}

export function merkleLogQueries(db: ReadDatabase): MerkleLogQueries {
  return {
    async logTree() {
      const { value, ...place } = await answer(db, merkleLog, db.selectFrom('logTree').select(['size', 'subtrees']))
      return { value: frontierOf(value[0] ?? null), ...place }
    },
    async logTile(level, index) {
      const [from, to] = [index * tileWidth, (index + 1) * tileWidth]
      if (level === 0) {
        const leaves = db.selectFrom('events').select(joined('leaf')).where('index', '>=', from).where('index', '<', to)
        return parted((await answer(db, eventLog, leaves)).value)
      }
      const hashes = db.selectFrom('logHashes').select(joined('hash')).where('level', '=', level)
      return parted((await answer(db, merkleLog, hashes.where('index', '>=', from).where('index', '<', to))).value)
    },
    async logEntries(index) {
      const entries = db
        .selectFrom('events')
        .select(['index', 'canonical'])
        .where('index', '>=', index * tileWidth)
      const tile = entries.where('index', '<', (index + 1) * tileWidth).orderBy('index')
      return (await answer(db, eventLog, tile, [['index', 'asc']])).value.map(({ canonical }) => canonical)
    },
  }
}

/** The hashes of a tile as one value: 256 rows would take as long to read as all the rest. */
const joined = (column: 'leaf' | 'hash') =>
  sql<Buffer | null>`string_agg(${sql.ref(column)}, ''::bytea order by index)`.as('hashes')

function parted([row]: readonly { readonly hashes: Buffer | null }[]): readonly Buffer[] {
  const hashes = row?.hashes ?? Buffer.alloc(0)
  return Array.from({ length: hashes.length / hashBytes }, (_, n) => hashes.subarray(n * hashBytes, (n + 1) * hashBytes))
}

const hashBytes = 32

/** Nodes of the log's tree from its tiles, each of which is read once. Rejects with `RangeError` for a node that the log has not completed. */
export function nodesOf({ logTile }: Pick<MerkleLogQueries, 'logTile'>): NodeAt {
  const tiles = new Map<string, Promise<readonly Buffer[]>>()
  return async (height, index) => {
    const level = Math.floor(height / tileHeight)
    const width = 2 ** (height % tileHeight)
    const from = index * width
    const tile = Math.floor(from / tileWidth)
    const key = `${level}/${tile}`
    let reading = tiles.get(key)
    if (!reading) tiles.set(key, (reading = logTile(level, tile)))
    const hashes = (await reading).slice(from % tileWidth, (from % tileWidth) + width)
    if (hashes.length < width) throw new RangeError(`the log has not completed the subtree ${index} of height ${height}`)
    return foldUp(hashes)
  }
}

function foldUp(hashes: readonly Buffer[]): Buffer {
  let level = hashes
  while (level.length > 1) level = level.flatMap((left, n) => (n % 2 === 0 ? [nodeHash(left, level[n + 1]!)] : []))
  return level[0]!
}
