// Shows wallets, escrows, the fund and the ledger, and keeps what it shows up to date: it hears of every event that touches it and asks again.
import { createClient } from '/modules/api/client.ts'
import { watchSigning } from './signing.js'

const client = createClient({ url: location.origin })
/** Events that come together are asked after once. */
const gatherMs = 150
const view = document.querySelector('#view')

/** An element; children are elements or text. */
function h(tag, attributes, ...children) {
  const element = Object.assign(document.createElement(tag), attributes)
  element.append(...children.filter((child) => child !== undefined && child !== null))
  return element
}

/** Minor units as FLOP: by moving the point in the text, for no number holds them all. */
export function flop(amount) {
  const [sign, digits] = amount.startsWith('-') ? ['−', amount.slice(1)] : ['', amount]
  const padded = digits.padStart(9, '0')
  const fraction = padded.slice(-8).replace(/0+$/, '')
  return `${sign}${padded.slice(0, -8)}${fraction && `.${fraction}`}`
}

const money = (amount) => h('span', { className: 'amount', title: `${amount} minor units` }, `${flop(amount)} FLOP`)
const time = (instant) => (instant ? instant.replace('T', ' ').slice(0, 19) : '–')
const link = (kind, id) => h('a', { href: `#${kind}/${id}` }, h('code', {}, id))

/** A table of two columns: what, and its value. */
function facts(entries) {
  const rows = entries.filter(Boolean).map(([name, value]) => h('tr', {}, h('th', {}, name), h('td', {}, value)))
  return h('table', {}, ...rows)
}

function table(titles, rows) {
  if (!rows.length) return h('p', {}, 'None.')
  const head = h('tr', {}, ...titles.map((title) => h('th', {}, title)))
  const body = rows.map((cells) => h('tr', {}, ...cells.map((cell) => h('td', {}, cell ?? '–'))))
  return h('div', { className: 'scroll' }, h('table', {}, head, ...body))
}

/** Position of the last event that was heard: what is shown is to be of then, or later. */
let heardAt

/** What is at an address, and its ETag; the browser asks whether what it has is still so. */
async function get(path) {
  const after = heardAt === undefined ? '' : `${path.includes('?') ? '&' : '?'}after=${heardAt}`
  const response = await fetch(path + after, { cache: 'no-cache' })
  const body = await response.json()
  if (!response.ok) throw Object.assign(new Error(body.title ?? `status ${response.status}`), { code: body.code })
  return { body, tag: response.headers.get('etag') }
}

const escrowRows = (escrows) =>
  escrows.map(({ escrowId, status, amount, dueAt, openedAt }) => [
    link('escrow', escrowId),
    status,
    money(amount),
    time(dueAt),
    time(openedAt),
  ])
const walletTable = (wallets) =>
  table(
    ['Wallet', 'Available', 'Held', 'Balance', 'Opened'],
    wallets.map(({ walletId, available, held, posted, openedAt }) => [
      link('wallet', walletId),
      money(available),
      money(held),
      money(posted),
      time(openedAt),
    ]),
  )
/** What a line of a statement was for. */
function purpose(kind, reference, other) {
  if (kind === 'escrow') return link('escrow', reference)
  if (kind === 'transfer' && other) return link('wallet', other)
  return kind.replace('_', ' ')
}
const escrowTitles = ['Escrow', 'Status', 'Amount', 'Until', 'Opened']

/** Views by the kind in the address: which addresses of the API each reads, and what it makes of them. */
const views = {
  wallet: {
    hears: (id) => ({ subjects: [`wallet:${id}`] }),
    reads: (id) => [
      `/v1/wallets/${id}`,
      `/v1/wallets/${id}/statement?limit=20`,
      `/v1/wallets/${id}/explain`,
      `/v1/escrows?wallet=${id}&limit=20`,
      `/v1/wallets/${id}/withdrawals?limit=20`,
    ],
    show: (wallet, statement, { contributions }, { escrows }, { withdrawals }) => [
      h('h2', {}, 'Wallet'),
      wallet.frozen ? h('p', { className: 'offline' }, `Frozen: it owes ${flop(wallet.shortfall)} FLOP.`) : undefined,
      facts([
        ['Available', money(wallet.available)],
        ['Held', money(wallet.held)],
        ['Balance', money(wallet.posted)],
        ['Owner', h('code', {}, wallet.owner)],
        ['Id', link('wallet', wallet.walletId)],
      ]),
      h('h3', {}, 'Statement'),
      table(
        ['At', 'Event', 'For', 'Balance', 'Held', 'Balance after'],
        statement.entries.map(({ recordedAt, type, change, balance, kind, reference, other, index, position }) => [
          time(recordedAt),
          h('span', {}, type, h('small', {}, ` ${index} at ${position}`)),
          purpose(kind, reference, other),
          money(change.posted),
          money(change.held),
          money(balance.posted),
        ]),
      ),
      h('h3', {}, 'Why the balance is what it is'),
      table(
        ['Event', 'Times', 'In the log', 'Balance', 'Held'],
        contributions.map(({ type, events, firstIndex, lastIndex, posted, held }) => [
          type,
          String(events),
          firstIndex === lastIndex ? String(firstIndex) : `${firstIndex} … ${lastIndex}`,
          money(posted),
          money(held),
        ]),
      ),
      h('p', {}, h('a', { href: `/v1/events?subject=wallet:${wallet.walletId}` }, 'the events themselves, with their signatures')),
      h('h3', {}, 'Escrows: what is held for them, or locked in them'),
      table(escrowTitles, escrowRows(escrows)),
      h('h3', {}, 'Withdrawals'),
      table(
        ['Withdrawal', 'Status', 'Amount', 'Asked for'],
        withdrawals.map(({ withdrawalId, status, amount, requestedAt }) => [
          h('code', {}, withdrawalId),
          status,
          money(amount),
          time(requestedAt),
        ]),
      ),
    ],
  },
  escrow: {
    hears: (id) => ({ subjects: [`escrow:${id}`] }),
    reads: (id) => [`/v1/escrows/${id}`, `/v1/escrows/${id}/explain`],
    show: (escrow, { value: { waitsFor, until, otherwise }, contributions, events }) => [
      h('h2', {}, `Escrow: ${escrow.status}`),
      facts([
        ['Amount', money(escrow.amount)],
        ['Client', link('wallet', escrow.client)],
        ['Provider', link('wallet', escrow.provider)],
        waitsFor.length > 0 && ['Waits for', waitsFor.map(({ who, does }) => `${who}: ${does}`).join(', or ')],
        until && ['Until', time(until)],
        otherwise && ['Otherwise', otherwise],
        escrow.resultHash && ['Result', h('code', {}, escrow.resultHash)],
        ['Bundle', h('a', { href: `/v1/escrows/${escrow.escrowId}/dispute-bundle` }, 'all that is needed to judge it')],
      ]),
      h('h3', {}, 'Paid'),
      table(
        ['To', 'Amount', 'Arrived'],
        contributions.map(({ to, amount, arrived }) => [to, money(amount), arrived === null ? '–' : money(arrived)]),
      ),
      h('h3', {}, 'What happened'),
      table(
        ['At', 'Event', ''],
        events.map(({ recordedAt, type, text }) => [time(recordedAt), type, text]),
      ),
    ],
  },
  fund: {
    hears: () => ({ categories: ['fund'] }),
    reads: () => ['/v1/fund', '/v1/fund/proposals?limit=20', '/v1/fund/allocations', '/v1/fund/contributions?limit=20'],
    show: (fund, { proposals }, { allocations }, { contributions }) => [
      h('h2', {}, 'The community fund'),
      facts([
        ['Balance', money(fund.balance)],
        ['On its way', money(fund.pending)],
        ['Contributed', `${flop(fund.swept)} FLOP swept, ${fund.contributions} contributions`],
        ['Spent', money(fund.spent)],
        ['Report', h('a', { href: '/v1/fund/report' }, 'the transparency report, which anyone can make again')],
      ]),
      h('h3', {}, 'Proposals'),
      table(
        ['Proposal', 'Status', 'Amount', 'For', 'To', 'Approved'],
        proposals.map(({ proposalId, status, amount, category, to, approvals, stewards }) => [
          h('code', {}, proposalId),
          status,
          money(amount),
          category,
          link('wallet', to),
          `${approvals.length} of ${stewards.threshold}`,
        ]),
      ),
      h('h3', {}, 'Spent on'),
      table(
        ['Category', 'Times', 'Amount'],
        allocations.map(({ category, spendings, amount }) => [category, String(spendings), money(amount)]),
      ),
      h('h3', {}, 'Newest contributions'),
      table(
        ['At', 'Escrow', 'Amount'],
        contributions.map(({ recordedAt, escrowId, amount }) => [time(recordedAt), link('escrow', escrowId), money(amount)]),
      ),
    ],
  },
  ledger: {
    hears: () => ({ categories: ['wallet', 'escrow', 'fund'] }),
    reads: () => ['/v1/ledger/trial-balance'],
    show: ({ total, debits, credits, accounts, clearing }) => [
      h('h2', {}, 'Trial balance'),
      facts([
        ['Total', h('span', { className: total === '0' ? 'healthy' : 'offline' }, `${flop(total)} FLOP`)],
        ['Debits', money(debits)],
        ['Credits', money(credits)],
      ]),
      h('h3', {}, 'Accounts'),
      table(
        ['Account', 'Balance', 'Debits', 'Credits'],
        accounts.map(({ kind, balance, debits, credits }) => [kind, money(balance), money(debits), money(credits)]),
      ),
      h('h3', {}, 'On its way'),
      table(
        ['Item', 'Account', 'Amount', 'Since'],
        clearing.flatMap(({ account, openItems }) =>
          openItems.map(({ item, amount, openedAt }) => [h('code', {}, item), account, money(amount), time(openedAt)]),
        ),
      ),
    ],
  },
  escrows: {
    hears: () => ({ categories: ['escrow'] }),
    reads: () => ['/v1/escrows?limit=50'],
    show: ({ escrows }) => [h('h2', {}, 'Escrows'), table(escrowTitles, escrowRows(escrows))],
  },
  mine: {
    hears: () => ({ categories: ['wallet'] }),
    reads: (owner) => [`/v1/wallets?owner=${owner}&limit=50`],
    show: ({ wallets }) => [h('h2', {}, 'My wallets'), walletTable(wallets)],
  },
  wallets: {
    hears: () => ({ categories: ['wallet'] }),
    reads: () => ['/v1/wallets?limit=50'],
    show: ({ wallets }) => [
      h('h2', {}, 'Wallets'),
      walletTable(wallets),
    ],
  },
}

let shown = ''

async function refresh() {
  const place = location.hash.slice(1) || 'fund'
  const [kind, id] = place.split('/')
  if (!Object.hasOwn(views, kind)) return
  const { reads, show } = views[kind]
  try {
    const found = await Promise.all(reads(encodeURIComponent(id ?? '')).map(get))
    if (place !== (location.hash.slice(1) || 'fund')) return
    const state = [place, ...found.map(({ tag }) => tag)].join()
    if (state !== shown) view.replaceChildren(...show(...found.map(({ body }) => body)).filter(Boolean))
    shown = state
  } catch (error) {
    // An id may be of either: whoever looks up a wallet that is none may mean an escrow.
    if (kind === 'wallet' && error.code === 'WalletUnknown') location.replace(`#escrow/${id}`)
    else view.replaceChildren(h('p', { className: 'unhealthy' }, error.message))
    shown = ''
  }
}

const lookup = document.querySelector('#lookup')
const look = () => {
  if (lookup.value.trim()) location.hash = `wallet/${lookup.value.trim()}`
}
document.querySelector('#look').addEventListener('click', look)
lookup.addEventListener('keydown', ({ key }) => key === 'Enter' && look())
let listening

/** Hears of everything that changes what is shown. */
async function listen() {
  listening?.abort()
  const { signal } = (listening = new AbortController())
  const [kind, id] = (location.hash.slice(1) || 'fund').split('/')
  if (!Object.hasOwn(views, kind)) return
  let gathering
  try {
    for await (const { position } of client.subscribe({ ...views[kind].hears(id), signal, onState: connection })) {
      heardAt = position
      gathering ??= setTimeout(() => {
        gathering = undefined
        void refresh()
      }, gatherMs)
    }
  } catch (error) {
    connection('reconnecting', error.message)
  }
}

function connection(state, reason) {
  const mark = document.querySelector('#connection')
  mark.className = state === 'live' ? 'healthy' : 'offline'
  mark.textContent = state === 'live' ? '● live' : '■ not connected, trying again'
  mark.title = reason ?? ''
  // What happened while nobody listened is not told again by itself.
  if (state === 'live') void refresh()
}

function go() {
  void refresh()
  void listen()
}
addEventListener('hashchange', go)
addEventListener('pagehide', () => listening?.abort())
watchSigning({
  client,
  onKey() {},
  onSent({ position, events }) {
    if (position !== undefined) heardAt = position
    const opened = events.find(({ type }) => type === 'WalletOpened')
    if (opened) location.hash = `wallet/${opened.data.walletId}`
    else void refresh()
  },
})
go()
