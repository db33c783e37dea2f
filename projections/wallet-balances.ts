import { type CreditSource, isWalletType, type WalletEvent } from '../domain/wallet/events.ts'
import { depositKey } from '../domain/wallet/state.ts'
import { journal, keyed, type LogFact, type Projection, type RowOf, type TableRow } from './projection.ts'

const walletColumns = {
  walletId: 'text',
  /** The key that speaks for it now. */
  owner: 'text',
  /** What airdrops credit leaves over the chain by it; null when there is none. */
  standingOrder: 'json?',
  /** Its balance; of that, what is spoken for; and what it owes the network. */
  posted: 'amount',
  held: 'amount',
  shortfall: 'amount',
  /** What is held for withdrawals that are not signed yet: by their ids, in decimal text. */
  reserved: 'json',
  openedAt: 'instant',
  openedPosition: 'position',
  changedAt: 'instant',
  changedPosition: 'position',
} as const

export type WalletRow = RowOf<typeof walletColumns>

/** Every wallet and what is in it. */
const wallets = keyed({
  columns: walletColumns,
  key: 'walletId',
  indexes: [
    ['owner', 'openedAt', 'walletId'],
    ['openedAt', 'walletId'],
  ],
  keys: (fact) => (isOfWallet(fact) ? [fact.data.walletId] : []),
  evolve(row, fact) {
    if (!isOfWallet(fact)) return row
    if (fact.type === 'WalletOpened') return opened(fact)
    const after = row && next(row, fact)
    return after && after !== row ? { ...after, changedAt: fact.metadata.recordedAt, changedPosition: fact.position } : row
  },
})

type WalletFact = Extract<LogFact, { type: WalletEvent['type'] }>

function isOfWallet(fact: LogFact): fact is WalletFact {
  return isWalletType(fact.type)
}

function opened({ data, metadata: { recordedAt }, position }: Extract<LogFact, { type: 'WalletOpened' }>): WalletRow {
  const nothing = { standingOrder: null, posted: 0n, held: 0n, shortfall: 0n, reserved: {} }
  return { ...data, ...nothing, openedAt: recordedAt, openedPosition: position, changedAt: recordedAt, changedPosition: position }
}

function next(row: WalletRow, { type, data }: Exclude<WalletFact, { type: 'WalletOpened' }>): WalletRow {
  switch (type) {
    case 'WalletKeyChanged':
      return { ...row, owner: data.publicKey }
    case 'StandingOrderChanged':
      return { ...row, standingOrder: data.order }
    case 'TestDepositIssued':
    case 'DepositCredited':
    case 'CreditPosted':
      return received(row, data)
    case 'DepositReversed': {
      const owed = BigInt(data.fromShortfall)
      return { ...row, posted: row.posted - BigInt(data.amount) + owed, shortfall: row.shortfall + owed }
    }
    case 'TransferSent':
      return { ...row, posted: row.posted - BigInt(data.amount) }
    case 'HoldPlaced':
      return { ...row, held: row.held + BigInt(data.amount) }
    case 'HoldCaptured':
      return taken(row, BigInt(data.amount))
    case 'HoldReleased':
      return { ...repaid(row, data), held: row.held - BigInt(data.amount) }
    case 'WithdrawalRequested': {
      const amount = BigInt(data.amount) + BigInt(data.feeMax)
      return { ...row, held: row.held + amount, reserved: { ...row.reserved, [data.withdrawalId]: String(amount) } }
    }
    case 'WithdrawalRejected':
    case 'WithdrawalCancelled':
    case 'WithdrawalFailed': {
      const { amount, reserved } = unreserved(row, data.withdrawalId)
      return { ...repaid(row, data), held: row.held - amount, reserved }
    }
    case 'WithdrawalSigned':
      // Later attempts spend what the first one booked.
      return data.booked === '0'
        ? row
        : { ...taken(row, BigInt(data.booked)), reserved: unreserved(row, data.withdrawalId).reserved }
    case 'WithdrawalConfirmed':
      return data.feeReturned === '0' ? row : received(row, { ...data, amount: data.feeReturned })
    case 'WithdrawalApproved':
    case 'WithdrawalUnconfirmed':
      return row
  }
}

function received(row: WalletRow, data: { readonly amount: string; readonly toShortfall: string }): WalletRow {
  return repaid({ ...row, posted: row.posted + BigInt(data.amount) }, data)
}

/** Part of what came in, or came free, repays the debt. */
function repaid(row: WalletRow, data: { readonly toShortfall: string }): WalletRow {
  const debt = BigInt(data.toShortfall)
  return { ...row, posted: row.posted - debt, shortfall: row.shortfall - debt }
}

/** Money that was held has left. */
function taken(row: WalletRow, amount: bigint): WalletRow {
  return { ...row, posted: row.posted - amount, held: row.held - amount }
}

/** What was held for a withdrawal, and what is still held for others. */
function unreserved({ reserved }: WalletRow, withdrawalId: string) {
  const { [withdrawalId]: amount = '0', ...others } = reserved as Readonly<Record<string, string>>
  return { amount: BigInt(amount), reserved: others }
}

/** The statement of every wallet: a line for each event that changed a balance. */
const walletEntries = journal({
  of: wallets,
  columns: {
    /** Of the event in the log; an event is about one wallet. */
    index: 'integer',
    walletId: 'text',
    revision: 'integer',
    type: 'text',
    /** By how much it changed each. */
    posted: 'amount',
    held: 'amount',
    shortfall: 'amount',
    /** What each was after it. */
    postedAfter: 'amount',
    heldAfter: 'amount',
    shortfallAfter: 'amount',
    /** What for: `test_deposit`, `deposit`, `escrow`, `transfer`, `spending` or `withdrawal`, and its id. */
    kind: 'text',
    reference: 'text',
    /** Of a transfer: the wallet on the other side. */
    other: 'text?',
    recordedAt: 'instant',
    position: 'position',
  },
  key: ['index'],
  ascending: true,
  indexes: [
    ['walletId', 'index'],
    ['walletId', 'position'],
  ],
  entries(fact, after, before) {
    if (!after || !before || !isOfWallet(fact)) return []
    const { posted, held, shortfall } = after
    const change = { posted: posted - before.posted, held: held - before.held, shortfall: shortfall - before.shortfall }
    const cause = causeOf(fact)
    if (!cause || Object.values(change).every((amount) => amount === 0n)) return []
    const { index, revision, type, position } = fact
    const { walletId } = fact.data
    const { recordedAt } = fact.metadata
    const balance = { postedAfter: posted, heldAfter: held, shortfallAfter: shortfall }
    return [{ index, walletId, revision, type, ...change, ...balance, ...cause, recordedAt, position }]
  },
})

export type WalletEntryRow = TableRow<typeof walletEntries>

export type EntryKind = 'test_deposit' | 'deposit' | 'escrow' | 'transfer' | 'spending' | 'airdrop' | 'withdrawal'

interface Cause {
  readonly kind: EntryKind
  readonly reference: string
  readonly other: string | null
}

/** What a movement is for; undefined for what moves nothing. */
function causeOf({ type, data }: WalletFact): Cause | undefined {
  switch (type) {
    case 'WalletOpened':
    case 'WalletKeyChanged':
    case 'StandingOrderChanged':
      return undefined
    case 'TestDepositIssued':
      return cause('test_deposit', data.depositId)
    case 'DepositCredited':
    case 'DepositReversed':
      return cause('deposit', depositKey(data))
    case 'HoldPlaced':
    case 'HoldCaptured':
    case 'HoldReleased':
      return cause('escrow', data.holdId)
    case 'TransferSent':
      return cause('transfer', data.transferId, data.to)
    case 'CreditPosted':
      return creditedBy(data.source)
    case 'WithdrawalRequested':
    case 'WithdrawalApproved':
    case 'WithdrawalRejected':
    case 'WithdrawalCancelled':
    case 'WithdrawalFailed':
    case 'WithdrawalSigned':
    case 'WithdrawalConfirmed':
    case 'WithdrawalUnconfirmed':
      return cause('withdrawal', data.withdrawalId)
  }
}

function creditedBy(source: CreditSource): Cause {
  switch (source.kind) {
    case 'escrow':
      return cause('escrow', source.escrowId)
    case 'transfer':
      return cause('transfer', source.transferId, source.from)
    case 'spending':
      return cause('spending', source.proposalId)
    case 'airdrop':
      return cause('airdrop', source.campaignId, source.nodeId)
  }
}

function cause(kind: EntryKind, reference: string, other: string | null = null): Cause {
  return { kind, reference, other }
}

export const walletBalances = { name: 'wallet-balances', version: 3, tables: { wallets, walletEntries } } satisfies Projection
