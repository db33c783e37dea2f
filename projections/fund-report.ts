// The community fund's transparency report: a fold of the log and of nothing else, so that anyone makes the same bytes of it.
import { indentedJson } from '../domain/canonical.ts'
import { type DomainEvent, nameOf } from '../domain/catalogue.ts'
import { type Contribution, contributionOf, isSweepOf } from '../domain/fund/contributions.ts'
import type { FundEvent } from '../domain/fund/events.ts'

/** An event of the log as the report needs it. */
export interface ReportedEvent {
  /** Dense in the log. */
  readonly index: number
  readonly recordedAt: string
  readonly event: DomainEvent
}

/** Indexes of the first and the last event that are reported; the whole log unless given. */
export interface ReportRange {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** The types of the events that concern the fund. */
export const reportedTypes = [
  'EscrowReleased',
  'EscrowResolved',
  'ContributionsSwept',
  'SpendingProposed.v2',
  'SpendingApproved',
  'ProposalWithdrawn',
  'SpendingExecuted.v2',
  'SpendingReturned',
] as const satisfies readonly DomainEvent['type'][]

interface Proposal {
  readonly opened: Extract<FundEvent, { type: 'SpendingProposed.v2' }>['data']
  readonly events: { readonly index: number; readonly type: string; readonly by?: string; readonly recordedAt: string }[]
  status: 'proposed' | 'executed' | 'withdrawn'
}

interface Sweep {
  readonly data: Extract<FundEvent, { type: 'ContributionsSwept' }>['data']
  readonly index: number
  readonly recordedAt: string
  /** Whether count, amount and digest are those of the contributions in its range. */
  readonly holds: boolean
}

/** What the fold has come to. */
interface Books {
  network: { readonly networkId: string; readonly kind: 'test' | 'main' } | undefined
  /** Swept and not spent; given by escrows and not swept. */
  balance: bigint
  pending: Contribution[]
  received: bigint
  receivedCount: number
  spent: bigint
  /** By airdrops. */
  returned: bigint
  /** Of the last event that changed any of it. */
  last: number | null
  readonly sweeps: Sweep[]
  readonly proposals: Map<string, Proposal>
  /** Spent, by category. */
  readonly spentOn: Map<string, { count: number; amount: bigint }>
}

/**
 * The report of a range of the log: JSON of one spelling (members in the order of RFC 8785, indented by two, a line feed behind).
 * `events` are in the order of the log and hold at least `NetworkFounded` and those of `reportedTypes`, from the first: what was before
 * the range makes its opening figures. It names the last event that concerns the fund and no other end, so it says nothing of when it
 * was made.
 */
export async function fundReport(
  events: AsyncIterable<ReportedEvent> | Iterable<ReportedEvent>,
  { from = 0, to = Number.MAX_SAFE_INTEGER }: ReportRange = {},
): Promise<string> {
  const books: Books = {
    network: undefined,
    balance: 0n,
    pending: [],
    received: 0n,
    receivedCount: 0,
    spent: 0n,
    returned: 0n,
    last: null,
    sweeps: [],
    proposals: new Map(),
    spentOn: new Map(),
  }
  let opening: Figures | undefined
  for await (const reported of events) {
    if (reported.index > to) break
    const isBefore = reported.index < from
    if (!isBefore) opening ??= figuresOf(books)
    take(books, reported, isBefore)
  }
  if (!books.network) throw new Error('the log does not begin with the founding of a network')
  const report = {
    format: 'duxnet-fund-report-v2',
    ...books.network,
    range: { from, to: books.last !== null && books.last >= from ? books.last : null },
    opening: opening ?? figuresOf(books),
    closing: figuresOf(books),
    contributions: { count: books.receivedCount, amount: String(books.received) },
    spent: String(books.spent),
    returned: String(books.returned),
    sweeps: books.sweeps.map(({ data, ...sweep }) => ({ ...data, ...sweep })),
    proposals: [...books.proposals.values()].filter(({ events }) => events.at(-1)!.index >= from).map(proposalOf),
    allocations: allocationsOf(books),
  }
  return indentedJson(report)
}

type Figures = { readonly balance: string; readonly pending: string }

function figuresOf({ balance, pending }: Books): Figures {
  return { balance: String(balance), pending: String(sumOf(pending)) }
}

/** What lies before the range changes the figures that it opens with, and no more. */
function take(books: Books, { index, recordedAt, event }: ReportedEvent, isBefore: boolean): void {
  switch (event.type) {
    case 'NetworkFounded':
      books.network = { networkId: event.data.networkId, kind: event.data.kind }
      return
    case 'EscrowReleased':
    case 'EscrowResolved': {
      const contribution = contributionOf(event)
      if (!contribution) return
      books.pending.push({ index, ...contribution })
      if (isBefore) break
      books.received += contribution.amount
      books.receivedCount += 1
      break
    }
    case 'ContributionsSwept': {
      const sweep = swept(books, event.data)
      if (!isBefore) books.sweeps.push({ data: event.data, index, recordedAt, holds: sweep })
      break
    }
    case 'SpendingProposed.v2':
      books.proposals.set(event.data.proposalId, {
        opened: event.data,
        events: [{ index, type: nameOf(event.type), by: event.data.by, recordedAt }],
        status: 'proposed',
      })
      break
    case 'SpendingApproved':
      proposal(books, event.data).events.push({ index, type: nameOf(event.type), by: event.data.by, recordedAt })
      break
    case 'ProposalWithdrawn':
    case 'SpendingExecuted.v2': {
      const decided = proposal(books, event.data)
      decided.events.push({ index, type: nameOf(event.type), recordedAt })
      decided.status = event.type === 'ProposalWithdrawn' ? 'withdrawn' : 'executed'
      if (event.type === 'SpendingExecuted.v2') spend(books, event.data, isBefore)
      break
    }
    case 'SpendingReturned': {
      const amount = BigInt(event.data.amount)
      proposal(books, event.data).events.push({ index, type: nameOf(event.type), recordedAt })
      books.balance += amount
      if (!isBefore) books.returned += amount
      break
    }
    default:
      return
  }
  books.last = index
}

/** Takes a sweep's range out of what is pending; whether the sweep says what was there. */
function swept(books: Books, sweep: Sweep['data']): boolean {
  const holds = isSweepOf(sweep, books.pending)
  books.pending = books.pending.filter(({ index }) => index > sweep.toIndex)
  books.balance += BigInt(sweep.amount)
  return holds
}

function spend(books: Books, data: { readonly category: string; readonly amount: string }, isBefore: boolean): void {
  const amount = BigInt(data.amount)
  books.balance -= amount
  if (isBefore) return
  books.spent += amount
  const before = books.spentOn.get(data.category) ?? { count: 0, amount: 0n }
  books.spentOn.set(data.category, { count: before.count + 1, amount: before.amount + amount })
}

/** An event about a proposal that was never made cannot have been decided. */
function proposal({ proposals }: Books, { proposalId }: { readonly proposalId: string }): Proposal {
  const known = proposals.get(proposalId)
  if (!known) throw new Error(`the log holds no proposal ${proposalId}`)
  return known
}

function proposalOf({ opened, events, status }: Proposal) {
  const approvedBy = events.flatMap(({ type, by }) => (type === 'SpendingApproved' && by !== undefined ? [by] : []))
  return { ...opened, to: { ...opened.to }, status, approvedBy, events: events.map((event) => ({ ...event })) }
}

/** By category: what was spent in the range, and what proposals that are still open at its end ask for. */
function allocationsOf({ proposals, spentOn }: Books) {
  const open = [...proposals.values()].filter(({ status }) => status === 'proposed').map(({ opened }) => opened)
  const categories = new Set([...spentOn.keys(), ...open.map(({ category }) => category)])
  return [...categories].sort().map((category) => {
    const asked = open.filter((proposal) => proposal.category === category)
    const { count, amount } = spentOn.get(category) ?? { count: 0, amount: 0n }
    return {
      category,
      executed: { count, amount: String(amount) },
      open: { count: asked.length, amount: String(asked.reduce((sum, { amount }) => sum + BigInt(amount), 0n)) },
    }
  })
}

function sumOf(contributions: readonly Contribution[]): bigint {
  return contributions.reduce((sum, { amount }) => sum + amount, 0n)
}
