import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Html, html } from '../../../../api/pages/html.ts'
import { version } from '../../../version.ts'
import type { GroupInfo } from '../groups/info.ts'
import { placeText } from '../groups/place.ts'
import { serverVersion } from '../node.ts'
import type { Projection } from '../projections/ledger.ts'
import type { Machine } from './machine.ts'
import type { StreamList, StreamView } from './streams.ts'
import { count, duration, instant, size, visible } from './text.ts'

/** Everything that the page shows, as it was at one moment. */
export interface Status {
  readonly now: number
  readonly isSecure: boolean
  /** The position of the newest event. */
  readonly end: number
  readonly streamCount: number
  readonly machine: Machine
  readonly search: { readonly prefix: string; readonly isContinued: boolean }
  readonly list: StreamList
  readonly groups: readonly GroupInfo[]
  readonly projections: readonly Projection[]
}

const style = readFileSync(new URL('./style.css', import.meta.url), 'utf8')

/** The page loads nothing, runs nothing, and carries its style with it. */
export const pageHeaders = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

/** For a person who wants to see how the store is. */
export function statusPage(status: Status): string {
  return html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DuxNet event store</title>
<style>${{ markup: style }}</style>
<header>
<h1>DuxNet event store <small>${version}</small></h1>
<p>Speaks as EventStoreDB ${serverVersion}, ${status.isSecure ? 'over TLS, to its users' : 'in plaintext, to anybody who can reach it'}. As of ${instant(status.now)} UTC.</p>
</header>
<main>
${facts(status)}
${groupsPart(status)}
${projectionsPart(status)}
${streamsPart(status)}
</main>
</html>
`.markup
}

function facts({ end, streamCount, machine }: Status): Html {
  const { disk, memoryBytes, heapBytes, uptimeMs } = machine
  const shown = [
    ['Last position', count(end)],
    ['Streams', count(streamCount), 'with those of the system'],
    disk ? ['On disk', size(disk.usedBytes), `${size(disk.freeBytes)} free`] : ['On disk', 'nothing', 'it is in memory only'],
    ['Memory', size(memoryBytes), `of the process; heap ${size(heapBytes)}`],
    ['Up', duration(uptimeMs)],
  ]
  return html`<dl>${shown.map(([name, value, more]) => html`<div><dt>${name}</dt><dd>${value}${more && html` <small>${more}</small>`}</dd></div>`)}</dl>
${disk && html`<p>The log lies in <code>${visible(disk.directory)}</code>.</p>`}`
}

function streamsPart({ search: { prefix, isContinued }, list }: Status): Html {
  return html`<section aria-labelledby="streams">
<h2 id="streams">Streams</h2>
<form role="search" action="/web"><label for="prefix">Name begins with</label> <input id="prefix" name="prefix" value="${prefix}" maxlength="500" autocomplete="off" spellcheck="false"> <button>Search</button></form>
${list.streams.length > 0 ? table([text('Stream'), number('Last revision'), text('Last event'), text('At')], list.streams.map(streamRow)) : html`<p>None ${isContinued || list.before ? 'among those that were looked at' : 'found'}.</p>`}
${list.before && html`<p><a href="/web?prefix=${encodeURIComponent(prefix)}&amp;before=${list.before}">Older streams</a></p>`}
<p class="note">Newest first. ${prefix === '' ? html`Those of the system begin with <code>$</code> and are listed when you search for that.` : undefined}</p>
</section>`
}

function streamRow({ name, lastRevision, lastType, lastCreated, state }: StreamView): Html {
  const revision = lastRevision === undefined ? '–' : count(lastRevision)
  return html`<tr><th scope="row"><bdi>${visible(name)}</bdi> ${state && html`<em>${state}</em>`}</th><td class="number">${revision}</td><td><bdi>${visible(lastType)}</bdi></td><td>${instant(lastCreated)}</td></tr>
`
}

const maxGroups = 100

function groupsPart({ groups }: Status): Html {
  const columns = [
    ...['Group', 'Stream', 'Status'].map(text),
    ...['Consumers', 'In flight', 'Parked', 'Checkpoint', 'Newest'].map(number),
  ]
  return html`<section aria-labelledby="groups">
<h2 id="groups">Persistent subscriptions</h2>
${groups.length > 0 ? table(columns, groups.slice(0, maxGroups).map(groupRow)) : html`<p>There are none.</p>`}
${groups.length > maxGroups ? html`<p class="note">The first ${maxGroups} of ${count(groups.length)}.</p>` : undefined}
</section>`
}

function groupRow({ definition: { stream, group }, status, connections, ...info }: GroupInfo): Html {
  const place = (at: number | undefined) => (at === undefined ? '–' : placeText(stream, at))
  const numbers = [connections.length, info.inFlight, info.parkedMessageCount].map(count)
  const cells = [...numbers, place(info.lastCheckpointed), place(info.lastKnown)]
  return html`<tr><th scope="row"><bdi>${visible(group)}</bdi></th><td><bdi>${visible(stream)}</bdi></td><td>${status}</td>${cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>
`
}

function projectionsPart({ projections, end }: Status): Html {
  const row = ({ name, status, fault, position, eventsProcessed }: Projection) =>
    html`<tr><th scope="row">${name}</th><td>${fault === undefined ? status : html`<strong>Faulted</strong>: ${visible(fault)}`}</td><td class="number">${count(position)}</td><td class="number">${count(Math.max(0, end - position))}</td><td class="number">${count(eventsProcessed)}</td></tr>
`
  return html`<section aria-labelledby="projections">
<h2 id="projections">Projections</h2>
${table([...['Projection', 'Status'].map(text), ...['Position', 'Behind', 'Processed since start'].map(number)], projections.map(row))}
</section>`
}

const text = (title: string): Html => html`<th scope="col">${title}</th>`
const number = (title: string): Html => html`<th scope="col" class="number">${title}</th>`

/** Wide tables scroll by themselves, by keyboard too. */
function table(columns: readonly Html[], rows: readonly Html[]): Html {
  return html`<div class="scroll" tabindex="0"><table>
<thead><tr>${columns}</tr></thead>
<tbody>
${rows}</tbody></table></div>`
}
