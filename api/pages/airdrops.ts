// Airdrops for people: what was promised, who gets it, and where the money is. Without scripts: it is as of when it was asked for.
import type { CampaignRules } from '../../domain/airdrop/rules.ts'
import type { AllotmentRow, CampaignRow } from '../../projections/airdrops.ts'
import type { analyticsOf } from '../airdrop-analytics.ts'
import { type Html, html, page } from './html.ts'

/** The page behind `/airdrop`. */
export function airdropsPage(campaigns: readonly CampaignRow[]): string {
  const rows = campaigns.map(
    ({ campaignId, label, status, rules, budget, allotted, creditedAmount }) =>
      html`<tr><th scope="row"><a href="/airdrop/${campaignId}">${label}</a></th><td>${status}</td><td>${windowOf(rules)}</td><td>${flop(budget)}</td><td>${allotted ?? '–'}</td><td>${flop(creditedAmount)}</td></tr>\n`,
  )
  const head = ['Airdrop', 'Status', 'Window', 'Budget', 'Nodes that get something', 'Paid'].map(
    (name) => html`<th scope="col">${name}</th>`,
  )
  return page(
    'DuxNet: airdrops',
    html`<h1>Airdrops</h1>
<p>Who gets what is decided by the log alone: <code>duxnet airdrop compute</code> makes the same lists from an export of it.</p>
${rows.length ? html`<div class="scroll" tabindex="0" role="region" aria-label="Airdrops"><table><tr>${head}</tr>${rows}</table></div>` : html`<p>None was announced.</p>`}`,
  )
}

export interface CampaignView {
  readonly campaign: CampaignRow
  readonly analytics: ReturnType<typeof analyticsOf>
  /** The first of them. */
  readonly allotments: readonly AllotmentRow[]
  readonly appeals: readonly AllotmentRow[]
}

/** The page behind `/airdrop/:id`. */
export function campaignPage({ campaign, analytics, allotments, appeals }: CampaignView): string {
  const { campaignId, label, status, listDigest, reportDigest, root, claimsUntil, fromIndex, toIndex } = campaign
  return page(
    `DuxNet: ${label}`,
    html`<h1>${label} <small>${status}</small></h1>
<p><code>${campaignId}</code> · <a href="/v1/airdrops/${campaignId}">as JSON</a> · <a href="/v1/airdrops/${campaignId}/report">figures</a></p>
<h2>Rules</h2>
${rulesTable(campaign)}
<h2>Where the money is</h2>
${moneyChart(campaign)}
<h2>Who gets what</h2>
${
  listDigest === null
    ? html`<p>The list is published when the window is over.</p>`
    : html`<p>${String(campaign.allotted)} of ${String(campaign.considered)} nodes, by events ${String(fromIndex)} to ${String(toIndex)} of the log. Claims and appeals are taken until ${time(claimsUntil)}.</p>
${decilesChart(analytics)}
${facts([
  ['The list', html`<a href="/v1/airdrop-lists/${listDigest}"><code>${listDigest}</code></a>`],
  ['Its Merkle root', html`<code>${root ?? 'it is empty'}</code>`],
  ['The report', html`<code>${reportDigest ?? '–'}</code>`],
  ['Gini coefficient', analytics.giniPermille === null ? '–' : (analytics.giniPermille / 1000).toFixed(3)],
])}
${allotmentsTable(allotments)}
<p><a href="/v1/airdrops/${campaignId}/allotments">All of them</a></p>`
}
${appeals.length ? html`<h2>Appeals</h2>${appealsTable(appeals)}` : undefined}`,
  )
}

function rulesTable({ rules, policyVersion, budget }: CampaignRow): Html {
  const { criteria, algorithm, appealsPermille } = rules as unknown as CampaignRules
  return facts([
    ['Window', windowOf(rules)],
    ['Budget', html`${flop(budget)}, of which ${percent(appealsPermille)} are kept for appeals`],
    ['Uptime', html`heartbeats in ${percent(criteria.uptimePermilleMin)} of the slots of ${criteria.slotSeconds} s, or more`],
    ['Computations', html`${criteria.proofsMin} or more that were verified`],
    ['Reputation', html`${criteria.reputationEndMin} or more at the end, never below ${criteria.reputationMin}`],
    ['Sybil signals', html`weigh ${criteria.sybilWeightMax} or less`],
    ['Divided', dividedBy(algorithm)],
    ['Policy', html`version ${policyVersion}`],
  ])
}

function dividedBy(algorithm: CampaignRules['algorithm']): Html {
  switch (algorithm.kind) {
    case 'equal':
      return html`equally`
    case 'pro_rata':
      return html`by ${algorithm.by}`
    case 'capped':
      return html`by ${algorithm.by}, ${flop(BigInt(algorithm.amountMax))} at most`
    case 'tiered':
      return html`by tiers of ${algorithm.by}: ${algorithm.tiers.map(({ atLeast, weight }, n) => `${n ? ', ' : ''}${weight} from ${atLeast} on`)}`
  }
}

/** Parts of the budget, which add up to it once it is funded. */
function moneyChart({
  budget,
  allottedAmount,
  claimedAmount,
  awardedAmount,
  creditedAmount,
  releasedAmount,
  returned,
}: CampaignRow) {
  const open = returned === null
  const allotted = allottedAmount ?? 0n
  const parts: [name: string, amount: bigint][] = [
    ['Paid into wallets', creditedAmount],
    ['On its way', releasedAmount - creditedAmount],
    ['Claimed or awarded, not on its way', claimedAmount + awardedAmount - releasedAmount],
    ['Allotted and not claimed', open ? allotted - claimedAmount : 0n],
    ['Not given to anybody', open ? budget - allotted - awardedAmount : 0n],
    ['Given back to the fund', returned ?? 0n],
  ]
  return bars(
    parts.filter(([, amount]) => amount > 0n),
    budget,
    'Parts of the budget',
  )
}

function decilesChart({ deciles }: CampaignView['analytics']): Html | undefined {
  if (!deciles.length) return undefined
  const most = deciles.reduce((most, { amount }) => (amount > most ? amount : most), 1n)
  const named = deciles.map(({ upTo, nodes, amount }): [string, bigint] => [
    `${nodes === 1 ? '1 node' : `${nodes} nodes`}, up to ${flopText(upTo)}`,
    amount,
  ])
  return bars(named, most, 'What tenths of the nodes get, the least first')
}

function bars(parts: readonly (readonly [name: string, amount: bigint])[], whole: bigint, label: string): Html {
  const rows = parts.map(([name, amount]) => {
    const width = Number((1000n * amount) / (whole || 1n))
    return html`<tr><th scope="row">${name}</th><td class="share"><svg viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true"><rect width="${width}" height="16"/></svg></td><td>${flop(amount)}</td></tr>\n`
  })
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><caption>${label}</caption>${rows}</table></div>`
}

function allotmentsTable(allotments: readonly AllotmentRow[]): Html {
  const rows = allotments.map(
    ({ campaignId, nodeId, amount, claimedAt, paidAt }) =>
      html`<tr><th scope="row"><code>${nodeId}</code></th><td>${flop(amount)}</td><td>${time(claimedAt)}</td><td>${time(paidAt)}</td><td><a href="/v1/airdrops/${campaignId}/nodes/${nodeId}/explain">why</a> · <a href="/v1/airdrops/${campaignId}/allotments/${nodeId}/proof">proof</a></td></tr>\n`,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Allotments"><table><tr>${['Node', 'Gets', 'Claimed', 'Paid', ''].map((name) => html`<th scope="col">${name}</th>`)}</tr>${rows}</table></div>`
}

function appealsTable(appeals: readonly AllotmentRow[]): Html {
  const rows = appeals.map(
    ({ nodeId, appealedAt, votes, award, answeredAt }) =>
      html`<tr><th scope="row"><code>${nodeId}</code></th><td>${time(appealedAt)}</td><td>${Object.keys(votes ?? {}).length}</td><td>${award === null ? 'open' : flop(award)}</td><td>${time(answeredAt)}</td></tr>\n`,
  )
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Appeals"><table><tr>${['Node', 'Appealed', 'Arbiters heard', 'Awarded', 'Answered'].map((name) => html`<th scope="col">${name}</th>`)}</tr>${rows}</table></div>`
}

function facts(entries: readonly (readonly [name: string, value: Html | string])[]): Html {
  return html`<table>${entries.map(([name, value]) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>`)}</table>`
}

function windowOf(rules: CampaignRow['rules']): string {
  const { from, to } = (rules as unknown as CampaignRules).window
  return `${time(from)} to ${time(to)} UTC`
}

const time = (instant: string | null) => instant?.replace('T', ' ').slice(0, 19) ?? '–'
const percent = (permille: number) => `${permille / 10}\u00a0%`
const flop = (amount: bigint) => html`<span class="amount" title="${String(amount)} minor units">${flopText(amount)}</span>`

/** Minor units as FLOP (10⁸ of them). */
function flopText(amount: bigint): string {
  const digits = String(amount).padStart(9, '0')
  const fraction = digits.slice(-8).replace(/0+$/, '')
  return `${digits.slice(0, -8)}${fraction && `.${fraction}`} FLOP`
}
