import { freemem, loadavg, totalmem } from 'node:os'
import { type Node, serverVersion } from '../node.ts'
import type { Store } from '../store.ts'
import { type Answer, json, type Request, type Route } from './routes.ts'

const greeting = 'Ping request successfully handled'

/** What tells others about this node. */
export const nodeRoutes = (node: Node, store: Store): readonly Route[] => [
  { method: 'GET', path: '/ping', audience: 'anyone', answer: ping },
  { method: 'GET', path: '/health/live', audience: 'anyone', answer: () => ({ status: 204 }) },
  { method: 'GET', path: '/info', audience: 'anyone', answer: () => json(info(node)) },
  { method: 'GET', path: '/info/options', audience: 'operators', answer: () => json(settings(node)) },
  { method: 'GET', path: '/stats', audience: 'operators', answer: () => json(statistics(store)) },
  { method: 'GET', path: '/gossip', audience: 'anyone', answer: (request) => gossip(node, store, request) },
]

function ping({ headers }: Request): Answer {
  const wantsText = headers.accept?.startsWith('text/plain')
  return wantsText ? { status: 200, type: 'text/plain; charset=utf-8', body: `Text: ${greeting}` } : json({ text: greeting })
}

const info = ({ isSecure, hasAtomPub }: Node) => ({
  esVersion: serverVersion,
  state: 'leader',
  features: { projections: true, userManagement: isSecure, atomPub: hasAtomPub },
  authentication: { type: isSecure ? 'internal' : 'insecure', properties: {} },
})

const settings = ({ settings }: Node) =>
  Object.entries(settings).map(([name, value]) => ({
    name,
    value: String(value),
    description: '',
    group: '',
    possibleValues: null,
  }))

/** Sizes are in bytes, processor time in microseconds. */
const statistics = ({ feed }: Store) => ({
  proc: {
    startTime: new Date(performance.timeOrigin).toISOString(),
    id: process.pid,
    mem: process.memoryUsage.rss(),
    cpuUser: process.cpuUsage().user,
    cpuSystem: process.cpuUsage().system,
  },
  sys: { freeMem: freemem(), totalMem: totalmem(), loadavg: loadavg() },
  es: { lastCommitPosition: feed.position },
})

const noId = '00000000-0000-0000-0000-000000000000'

function gossip(node: Node, { feed }: Store, { authority }: Request): Answer {
  const address = node.addressFor(authority)
  if (!address) return { status: 400 }
  const { host, port } = address
  const member = {
    instanceId: node.instanceId,
    timeStamp: new Date().toISOString(),
    state: 'Leader',
    isAlive: true,
    internalTcpIp: host,
    internalTcpPort: 0,
    internalSecureTcpPort: 0,
    externalTcpIp: host,
    externalTcpPort: 0,
    externalSecureTcpPort: 0,
    httpEndPointIp: host,
    httpEndPointPort: port,
    lastCommitPosition: feed.position,
    writerCheckpoint: feed.position,
    chaserCheckpoint: feed.position,
    epochPosition: 0,
    epochNumber: 0,
    epochId: noId,
    nodePriority: 0,
    isReadOnlyReplica: false,
    esVersion: serverVersion,
  }
  return json({ members: [member], serverIp: host, serverPort: port })
}
