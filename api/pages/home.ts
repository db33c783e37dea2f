import { categories } from '../../domain/stream.ts'
import type { NetworkView } from '../../projections/network.query.ts'
import type { NetworkStats, NodeView } from '../../projections/node-directory.query.ts'
import { type Html, html, page } from './html.ts'

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

/** The page behind `/`: the nodes, as they are now and as they change; without scripts, as they were when it was asked for. */
export function homePage({ version, networkId, known }: Home): string {
  const body = html`<h1>DuxNet <small>${version}</small></h1>
<p>${known?.network?.kind === 'test' ? 'A test network' : 'The network'} <code>${networkId}</code> · <span id="connection" role="status">connecting …</span></p>
<div id="live" hidden>
<fieldset class="filter"><legend>Nodes</legend>${filters.map(filter)}</fieldset>
<p class="lookup"><label for="search">Search</label> <input id="search" type="search" spellcheck="false" placeholder="id, region, platform, capability"></p>
</div>
${known ? nodesTable(known) : html`<p>The read models cannot be read just now; <a href="/readyz?verbose">/readyz?verbose</a> says why.</p>${emptyTable}`}
<section id="detail" hidden aria-labelledby="detail-title"></section>
<h2>Events</h2>
<p class="lookup"><label for="category">Of</label> <select id="category">${['all', ...categories].map((name) => html`<option>${name}</option>`)}</select> <button type="button" id="pause" aria-pressed="false">Pause</button></p>
<ol id="events" class="plain"></ol>
<noscript><p>This page shows how it was when you asked for it: scripts are switched off here.</p></noscript>
<h2>Addresses</h2>
<table>${addresses.map(([address, what]) => html`<tr><th><a href="${address}">${address}</a></th><td>${what}</td></tr>`)}</table>`
  return page('DuxNet', body, { script: '/pages/nodes.js' })
}

const filters = ['all', 'healthy', 'unhealthy', 'offline', 'registered'] as const
const marks = { all: '', healthy: '● ', unhealthy: '▲ ', offline: '■ ', registered: '○ ', deregistered: '' } as const

function filter(name: (typeof filters)[number]) {
  const checked = name === 'all' ? html` checked` : undefined
  return html`<label class="${name}"><input type="radio" name="status" value="${name}"${checked}> ${marks[name]}${name} <b id="count-${name}">–</b></label>
`
}

const addresses = [
  ['/wallet', 'wallets, escrows, the community fund and the ledger'],
  ['/airdrop', 'airdrops: their rules, who gets what, and where the money is'],
  ['/docs', 'the API, browsable'],
  ['/openapi.json', 'the same for tools: OpenAPI 3.1'],
  ['/v1/nodes', 'the nodes'],
  ['/v1/network', 'keys, roles and policy of the network, and the time'],
  ['/v1/stats', 'how many nodes there are and what they have together'],
  ['/readyz?verbose', 'event store, Postgres and how far each projection is'],
  ['/metrics', 'metrics for Prometheus'],
] as const

const columns = ['Node', 'Status', 'Region', 'Machine', 'Load', 'Memory', 'CPU', 'Reputation', 'Last heartbeat']
const head = html`<tr>${columns.map((name) => html`<th scope="col">${name}</th>`)}</tr>`

function tableOf(rows: Html | readonly Html[] | undefined): Html {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Nodes"><table><thead>${head}</thead><tbody id="rows">${rows}</tbody></table></div>
<p id="none" hidden>No node is so.</p>
<p><button type="button" id="more" hidden>Show more</button></p>`
}

const emptyTable = tableOf(undefined)

function nodesTable({ stats, nodes, position }: NonNullable<Home['known']>) {
  const { deregistered, ...present } = stats.nodes
  const count = Object.values(present).reduce((sum, number) => sum + number, 0)
  return html`<p>${count} nodes · ${stats.cores} cores · ${gibibytes(stats.memoryBytes)} · ${deregistered} have left · as of position ${position.toString()}</p>
${tableOf(nodes.map(nodeRow))}
${count > nodes.length ? html`<noscript><p>These are the first ${nodes.length} by id; <a href="/v1/nodes">/v1/nodes</a> has them all.</p></noscript>` : undefined}`
}

function nodeRow({ nodeId, status, profile, reputation, vitals, lastHeartbeatAt }: NodeView) {
  const { cores, memoryBytes, platform, arch, region } = profile
  return html`<tr><th scope="row"><a href="/v1/nodes/${nodeId}"><code>${nodeId}</code></a></th><td><span class="status ${status}">${marks[status]}${status}</span></td><td>${region}</td><td>${platform} ${arch}, ${cores} cores, ${gibibytes(memoryBytes)}</td>
<td>${vitals ? (vitals.loadPermille / 1000).toFixed(2) : '–'}</td><td>${vitals ? `${Math.round((100 * vitals.memoryUsedBytes) / vitals.memoryTotalBytes)}\u00a0%` : '–'}</td><td>${vitals ? `${Math.round(vitals.cpuPermille / 10)}\u00a0%` : '–'}</td><td>${reputation}</td><td>${lastHeartbeatAt?.replace('T', ' ').slice(0, 19) ?? '–'}</td></tr>
`
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}
