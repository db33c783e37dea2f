import type { NetworkView } from '../../projections/network.query.ts'
import type { NetworkStats, NodeView } from '../../projections/node-directory.query.ts'
import { html, page } from './html.ts'

/** What the first page knows; nothing of the network while its read models cannot be read. */
export interface Home {
  readonly version: string
  readonly networkId: string
  readonly known?: {
    readonly network: NetworkView | undefined
    readonly stats: NetworkStats
    readonly nodes: readonly NodeView[]
    readonly position: bigint
  }
}

const refreshSeconds = 15

/** The page behind `/`: for whoever opens the address to see whether it lives. */
export function homePage({ version, networkId, known }: Home): string {
  const body = html`<h1>DuxNet <small>${version}</small></h1>
<p>${known?.network?.kind === 'test' ? 'A test network' : 'The network'} <code>${networkId}</code></p>
${known ? nodesTable(known) : html`<p>The read models cannot be read just now; <a href="/readyz?verbose">/readyz?verbose</a> says why.</p>`}
<h2>Addresses</h2>
<table>${addresses.map(([address, what]) => html`<tr><th><a href="${address}">${address}</a></th><td>${what}</td></tr>`)}</table>`
  return page('DuxNet', body, { refreshSeconds })
}

const addresses = [
  ['/wallet', 'wallets, escrows, the community fund and the ledger'],
  ['/docs', 'the API, browsable'],
  ['/openapi.json', 'the same for tools: OpenAPI 3.1'],
  ['/v1/nodes', 'the nodes'],
  ['/v1/network', 'keys, roles and policy of the network, and the time'],
  ['/v1/stats', 'how many nodes there are and what they have together'],
  ['/readyz?verbose', 'event store, Postgres and how far each projection is'],
  ['/metrics', 'metrics for Prometheus'],
] as const

function nodesTable({ stats, nodes, position }: NonNullable<Home['known']>) {
  const { deregistered, ...present } = stats.nodes
  const count = Object.values(present).reduce((sum, number) => sum + number, 0)
  const byStatus = Object.entries(present)
    .filter(([, number]) => number)
    .map(([status, number]) => html` · <span class="${status}">${number} ${status}</span>`)
  return html`<h2>Nodes</h2>
<p>${count}${byStatus} · ${stats.cores} cores · ${gibibytes(stats.memoryBytes)} · ${deregistered} have left · as of position ${position.toString()}</p>
<div class="scroll"><table>
<tr><th>Node</th><th>Status</th><th>Region</th><th>Machine</th><th>Load</th><th>Memory</th><th>CPU</th><th>Reputation</th><th>Last heartbeat</th></tr>
${nodes.map(nodeRow)}</table></div>
${count > nodes.length ? html`<p>These are the first ${nodes.length} by id; <a href="/v1/nodes">/v1/nodes</a> has them all.</p>` : undefined}`
}

function nodeRow({ nodeId, status, profile, reputation, vitals, lastHeartbeatAt }: NodeView) {
  const { cores, memoryBytes, platform, arch, region } = profile
  return html`<tr><th><a href="/v1/nodes/${nodeId}"><code>${nodeId}</code></a></th><td class="${status}">${status}</td><td>${region}</td><td>${platform} ${arch}, ${cores} cores, ${gibibytes(memoryBytes)}</td>
<td>${vitals ? (vitals.loadPermille / 1000).toFixed(2) : '–'}</td><td>${vitals ? `${Math.round((100 * vitals.memoryUsedBytes) / vitals.memoryTotalBytes)}\u00a0%` : '–'}</td><td>${vitals ? `${Math.round(vitals.cpuPermille / 10)}\u00a0%` : '–'}</td><td>${reputation}</td><td>${lastHeartbeatAt?.replace('T', ' ').slice(0, 19) ?? '–'}</td></tr>
`
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
