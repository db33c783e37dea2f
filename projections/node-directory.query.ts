import { sql } from 'kysely'
import type { Vitals } from '../domain/heartbeat/events.ts'
import type { Profile } from '../domain/node/events.ts'
import { batched } from './batched.ts'
import { type NodeRow, nodeDirectory } from './node-directory.ts'
import { type Answer, answer, type Order, type ReadDatabase } from './read.ts'

export type NodeStatus = 'registered' | 'healthy' | 'unhealthy' | 'offline' | 'deregistered'

/** A node as the API shows it. */
export interface NodeView {
  readonly nodeId: string
  readonly status: NodeStatus
  readonly publicKey: string
  readonly profile: Profile
  readonly reputation: number
  readonly registeredAt: string
  /** Of the last change of profile, key or registration. */
  readonly updatedAt: string
  readonly lastHeartbeatAt: string | null
  readonly vitals: Vitals | null
  /** Of the last event that changed any of it: with the generation, what an ETag needs. */
  readonly changedPosition: bigint
}

export interface NodeFilter {
  /** Nodes that left are never listed. */
  readonly status?: Exclude<NodeStatus, 'deregistered'> | undefined
  readonly capability?: string | undefined
  readonly region?: string | undefined
  readonly minReputation?: number | undefined
}

export type NodeSort = 'nodeId' | 'registeredAt' | 'updatedAt' | 'reputation'

/** The last node of a page: where it stands in the order. */
export interface NodePlace {
  readonly value: string | number
  readonly nodeId: string
}

export interface NodeListing {
  readonly filter?: NodeFilter
  readonly sort?: NodeSort
  readonly descending?: boolean
  readonly limit: number
  /** The `next` of the page before, of the same filter and order. */
  readonly after?: NodePlace | undefined
}

export interface NodePage {
  readonly nodes: readonly NodeView[]
  /** Behind which the next page begins; undefined when this is the last one. */
  readonly next: NodePlace | undefined
}

export interface NetworkStats {
  readonly nodes: Readonly<Record<NodeStatus, number>>
  /** Of the nodes that have not left. */
  readonly cores: number
  readonly memoryBytes: number
}

export interface NodeDirectoryQueries {
  /** A node, whether it left or not. */
  findNode(nodeId: string): Promise<Answer<NodeView | undefined>>
  /** Nodes that have not left. Complete and without repetition for nodes whose place in the order did not change meanwhile. */
  listNodes(listing: NodeListing): Promise<Answer<NodePage>>
  stats(): Promise<Answer<NetworkStats>>
}

export function nodeDirectoryQueries(db: ReadDatabase): NodeDirectoryQueries {
  const findNode = batched(async (nodeIds: readonly string[]) => {
    const { value, ...place } = await answer(
      db,
      nodeDirectory,
      db.selectFrom('nodes').selectAll().where('nodeId', '=', sql<string>`any(${nodeIds})`),
    )
    const found = new Map(value.map((row) => [row.nodeId, row]))
    return (nodeId: string) => {
      const row = found.get(nodeId)
      return { value: row && nodeView(row), ...place }
    }
  })
  return { findNode, listNodes: (listing) => listNodes(db, listing), stats: () => stats(db) }
}

async function listNodes(
  db: ReadDatabase,
  { filter = {}, sort = 'nodeId', descending = false, limit, after }: NodeListing,
): Promise<Answer<NodePage>> {
  const direction = descending ? 'desc' : 'asc'
  // The key behind the sorted column makes the order total; both run the same way, so one index serves it in either direction.
  const order: Order[] = sort === 'nodeId' ? [['nodeId', direction]] : [[sort, direction], ['nodeId', direction]] // biome-ignore format: a pair a line says no more
  let query = db.selectFrom('nodes').selectAll().where('status', '<>', 'deregistered')
  if (filter.status !== undefined) query = query.where('status', '=', filter.status)
  if (filter.capability !== undefined) query = query.where('capabilities', '@>', sql<string[]>`array[${filter.capability}]::text[]`)
  if (filter.region !== undefined) query = query.where('region', '=', filter.region)
  if (filter.minReputation !== undefined) query = query.where('reputation', '>=', filter.minReputation)
  if (after) {
    const behind = sql.raw(descending ? '<' : '>')
    query = query.where(
      sort === 'nodeId'
        ? sql<boolean>`"nodeId" ${behind} ${after.nodeId}`
        : sql<boolean>`(${sql.ref(sort)}, "nodeId") ${behind} (${after.value}, ${after.nodeId})`,
    )
  }
  for (const [column, way] of order) query = query.orderBy(sql.ref(column), way)
  const { value: rows, ...place } = await answer(db, nodeDirectory, query.limit(limit + 1), order)
  const nodes = rows.slice(0, limit).map(nodeView)
  const last = nodes.at(-1)
  return { value: { nodes, next: rows.length > limit ? last && { value: last[sort], nodeId: last.nodeId } : undefined }, ...place }
}

async function stats(db: ReadDatabase): Promise<Answer<NetworkStats>> {
  const query = db
    .selectFrom('nodes')
    .select(['status', sql<string>`count(*)`.as('count'), sql<string>`sum(cores)`.as('sumOfCores')])
    .select(sql<string>`sum("memoryBytes")`.as('sumOfMemory'))
    .groupBy('status')
  const { value: groups, ...place } = await answer(db, nodeDirectory, query)
  const nodes = { registered: 0, healthy: 0, unhealthy: 0, offline: 0, deregistered: 0 }
  for (const { status, count } of groups) nodes[status as NodeStatus] = Number(count)
  const present = groups.filter(({ status }) => status !== 'deregistered')
  const total = (column: 'sumOfCores' | 'sumOfMemory') => present.reduce((sum, group) => sum + Number(group[column]), 0)
  return { value: { nodes, cores: total('sumOfCores'), memoryBytes: total('sumOfMemory') }, ...place }
}

/** A row of the directory as the API shows it. */
export function nodeView({ cores, memoryBytes, platform, arch, version, region, capabilities, ...row }: NodeRow): NodeView {
  const { nodeId, publicKey, reputation, registeredAt, updatedAt, lastHeartbeatAt, changedPosition } = row
  return {
    nodeId,
    status: row.status as NodeStatus,
    publicKey,
    profile: { cores, memoryBytes, platform, arch, version, region, capabilities: [...capabilities] },
    reputation,
    registeredAt,
    updatedAt,
    lastHeartbeatAt,
    vitals: row.vitals as Vitals | null,
    changedPosition,
  }
}
