// The nodes as they are: first what the query API says, then every event after that. When the feed breaks the client takes it up where it
// was; when it cannot (another network, a log that was replaced) the page begins anew.
import { createClient } from '/modules/api/client.ts'
import { applyEvent, chosen, counts, linePath, marks, statuses, summary } from './nodes-state.js'

const at = (id) => document.querySelector(`#${id}`)
const pageRows = 100
const nodesMax = 20_000
const eventsMax = 100
const historyLength = 120
const client = createClient({ url: location.origin })

let nodes = new Map()
let shownRows = pageRows
let selected
let paused = false
const events = []
/** Nodes whose rows are not what they were. */
let dirty = false
let following

function h(tag, attributes, ...children) {
  const element = Object.assign(document.createElement(tag), attributes)
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}

const gibibytes = (bytes) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
const percent = (share) => `${Math.round(100 * share)}\u00a0%`
const time = (instant) => (instant ? instant.replace('T', ' ').slice(0, 19) : '–')
const status = (name) => h('span', { className: `status ${name}` }, `${marks[name]} ${name}`)

const filter = () => ({ status: document.querySelector('input[name=status]:checked').value, text: at('search').value })

/** All nodes as the read model has them, and the position that this is of. */
async function load() {
  const found = new Map()
  let position
  let cursor
  do {
    const query = new URLSearchParams({ limit: '200', ...(cursor && { cursor }) })
    const response = await fetch(`/v1/nodes?${query}`, { cache: 'no-store' })
    if (!response.ok) throw new Error(`the nodes cannot be read: status ${response.status}`)
    position ??= response.headers.get('duxnet-position')
    const page = await response.json()
    for (const node of page.nodes) found.set(node.nodeId, node)
    cursor = page.next
  } while (cursor && found.size < nodesMax)
  nodes = found
  return position
}

async function follow(signal) {
  for (;;) {
    try {
      const position = await load()
      dirty = true
      // Later pages may be newer than the first: an event that is in them already says the same again.
      const from = position === '-1' ? 'start' : position
      for await (const { event } of client.subscribe({ from, signal, onState: connection })) {
        const changed = applyEvent(nodes, event)
        if (changed !== undefined) dirty = true
        if (changed === selected && event.type !== 'NodeUpdated') detailDirty = true
        remember(event)
      }
      return
    } catch (error) {
      if (signal.aborted) return
      connection('reconnecting', error.message)
      await new Promise((resolve) => setTimeout(resolve, 2000))
    }
  }
}

function connection(state, reason) {
  const live = state === 'live'
  at('connection').className = live ? 'healthy' : 'offline'
  at('connection').textContent = live ? '● live' : `■ not connected since ${new Date().toTimeString().slice(0, 8)}, trying again`
  at('connection').title = live ? '' : (reason ?? '')
}

function remember(event) {
  events.unshift(event)
  events.length = Math.min(events.length, eventsMax)
  eventsDirty = !paused
}

let eventsDirty = false
let detailDirty = false

/** At most so often, whatever comes: a page is for people. */
const paintMs = 200
function paint() {
  if (dirty) paintNodes()
  if (eventsDirty) paintEvents()
  if (detailDirty && selected) showDetail()
  dirty = eventsDirty = detailDirty = false
}

function paintNodes() {
  const found = counts(nodes)
  for (const name of ['all', ...statuses]) at(`count-${name}`).textContent = String(found[name])
  const all = chosen(nodes, filter())
  const rows = all.slice(0, shownRows).map(row)
  // A row keeps the focus that it has.
  const focused = document.activeElement?.closest?.('#rows')?.contains(document.activeElement) ? document.activeElement.dataset.node : undefined
  at('rows').replaceChildren(...rows)
  if (focused) at('rows').querySelector(`[data-node="${focused}"]`)?.focus()
  at('none').hidden = all.length > 0
  at('more').hidden = all.length <= shownRows
  at('more').textContent = `Show more (${all.length - shownRows} left)`
}

function row({ nodeId, status: state, profile, vitals, reputation, lastHeartbeatAt }) {
  const link = h('a', { href: `#node/${nodeId}` }, h('code', {}, nodeId))
  link.dataset.node = nodeId
  const cells = [
    status(state),
    profile.region,
    `${profile.platform} ${profile.arch}, ${profile.cores} cores`,
    vitals ? (vitals.loadPermille / 1000).toFixed(2) : '–',
    vitals ? percent(vitals.memoryUsedBytes / vitals.memoryTotalBytes) : '–',
    vitals ? percent(vitals.cpuPermille / 1000) : '–',
    String(reputation ?? '–'),
    time(lastHeartbeatAt),
  ]
  return h('tr', { className: nodeId === selected ? 'selected' : '' }, h('th', { scope: 'row' }, link), ...cells.map((cell) => h('td', {}, cell)))
}

function paintEvents() {
  const category = at('category').value
  const wanted = events.filter(({ stream }) => category === 'all' || stream.includes(`_${category}-`))
  const lines = wanted.map((event) => {
    const { type, id, text } = summary(event)
    return h('li', {}, h('time', {}, event.metadata.recordedAt.slice(11, 19)), ` ${type} `, h('code', {}, id.slice(0, 12)), ` ${text}`)
  })
  at('events').replaceChildren(...lines)
}

const svgNamespace = 'http://www.w3.org/2000/svg'
function svg(tag, attributes, ...children) {
  const element = document.createElementNS(svgNamespace, tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** A node's measurements as lines, and behind them the same as a table. */
function chart(heartbeats) {
  const [width, height] = [600, 120]
  const series = [
    ['memory', 'solid', ({ vitals }) => vitals.memoryUsedBytes / vitals.memoryTotalBytes],
    ['CPU', 'dashed', ({ vitals }) => vitals.cpuPermille / 1000],
    ['load a core', 'dotted', ({ vitals }) => vitals.loadPermille / 1000 / vitals.cores],
  ]
  const title = svg('title', {})
  title.textContent = `Memory, CPU and load over the last ${heartbeats.length} heartbeats, from 0 to 100 %`
  const lines = series.map(([, dash, valueOf], n) =>
    svg('path', { class: `line line-${n} ${dash}`, d: linePath(heartbeats.map(valueOf), 1, width, height), fill: 'none' }),
  )
  const grid = [0, 0.5, 1].map((share) => svg('line', { class: 'grid', x1: 0, x2: width, y1: height * share, y2: height * share }))
  const legend = h('p', { className: 'legend' }, ...series.map(([name, dash], n) => h('span', { className: `key line-${n}` }, `${dash === 'solid' ? '━' : dash === 'dashed' ? '╍' : '┈'} ${name} `)))
  const rows = [...heartbeats].reverse().map((beat) =>
    h('tr', {}, h('td', {}, time(beat.recordedAt)), ...series.map(([, , valueOf]) => h('td', {}, percent(valueOf(beat))))),
  )
  const head = h('tr', {}, ...['At', ...series.map(([name]) => name)].map((name) => h('th', { scope: 'col' }, name)))
  const figure = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img', class: 'chart', preserveAspectRatio: 'none' }, title, ...grid, ...lines)
  return [figure, legend, h('details', {}, h('summary', {}, 'The same as a table'), h('div', { className: 'scroll' }, h('table', {}, head, ...rows)))]
}

async function showDetail() {
  const nodeId = selected
  const node = nodes.get(nodeId)
  const view = at('detail')
  view.hidden = nodeId === undefined
  if (nodeId === undefined) return
  if (!node) return view.replaceChildren(h('p', {}, 'There is no such node, or it has left.'))
  const [heartbeats, health, reputation] = await Promise.all([
    client.get(`/v1/nodes/${nodeId}/heartbeats?limit=${historyLength}`),
    client.get(`/v1/nodes/${nodeId}/health?limit=20&order=desc`),
    client.get(`/v1/nodes/${nodeId}/reputation?limit=20&order=desc`),
  ]).catch(() => [])
  if (nodeId !== selected) return
  const open = view.querySelector('details')?.open ?? false
  const beats = [...(heartbeats?.heartbeats ?? [])].reverse()
  const list = (items, text) => (items?.length ? h('ol', { className: 'plain' }, ...items.map((item) => h('li', {}, ...text(item)))) : h('p', {}, 'None yet.'))
  view.replaceChildren(
    h('h2', { id: 'detail-title', tabIndex: -1 }, 'Node ', h('code', {}, nodeId)),
    h('p', {}, status(node.status), ` · ${node.profile.region} · ${node.profile.platform} ${node.profile.arch} · ${node.profile.cores} cores · ${gibibytes(node.profile.memoryBytes)} · reputation ${node.reputation ?? '–'}`),
    ...(beats.length ? chart(beats) : [h('p', {}, 'No heartbeat yet.')]),
    h('h3', {}, 'Health'),
    list(health?.changes, ({ at: when, from, to, reasons }) => [`${time(when)} `, status(to), ` after ${from}${reasons.length ? `: ${reasons.join(', ')}` : ''}`]),
    h('h3', {}, 'Reputation'),
    list(reputation?.changes, ({ recordedAt, rule, old, new: now }) => [`${time(recordedAt)} ${old} → ${now} (${rule})`]),
    h('p', {}, h('a', { href: `/v1/events?subject=node:${nodeId}` }, 'all of its events'), ' · ', h('a', { href: '#' }, 'close')),
  )
  const details = view.querySelector('details')
  if (details) details.open = open
}

function choose() {
  const [kind, id] = location.hash.slice(1).split('/')
  const next = kind === 'node' ? id : undefined
  const isNew = next !== selected
  selected = next
  dirty = true
  void showDetail().then(() => {
    if (isNew && selected) at('detail-title')?.focus()
  })
}

at('live').hidden = false
for (const input of document.querySelectorAll('input[name=status]')) input.addEventListener('change', () => changeFilter())
at('search').addEventListener('input', () => changeFilter())
at('more').addEventListener('click', () => {
  shownRows += pageRows
  paintNodes()
})
at('category').addEventListener('change', paintEvents)
at('pause').addEventListener('click', () => {
  paused = !paused
  at('pause').textContent = paused ? 'Go on' : 'Pause'
  at('pause').setAttribute('aria-pressed', String(paused))
  if (!paused) paintEvents()
})
function changeFilter() {
  shownRows = pageRows
  paintNodes()
}
addEventListener('hashchange', choose)
addEventListener('pagehide', () => following?.abort())
addEventListener('pageshow', begin)

function begin() {
  following?.abort()
  following = new AbortController()
  void follow(following.signal)
}

setInterval(paint, paintMs)
choose()
