// The books again, kept by somebody who has read what the events mean and nothing of our code: no ledger of postings, but who holds what,
// what is locked, and lists of what is on its way. It answers with balances and with complaints.
import { createHash } from 'node:crypto'

/** An event as an export has it. */
export interface LogEvent {
  readonly type: string
  readonly data: unknown
}

export interface Auditor {
  /** Takes in the event at a dense index of the log. */
  see(event: LogEvent, index: number): void
  /** What an account should hold now: the names are the ledger's. */
  balance(account: string): bigint
  /** All accounts that ever held something. */
  accounts(): string[]
  /** What no honest log holds. */
  readonly complaints: string[]
}

interface Wallet {
  owner: string
  /** What it has, what of it is spoken for, and what it owes. */
  has: bigint
  spoken: bigint
  owes: bigint
  holds: Map<string, { amount: bigint; open: boolean }>
  deposits: Map<string, { amount: bigint; counts: boolean }>
}

interface Escrow {
  client: string
  provider: string
  amount: bigint
  status: string
  locked: bigint
  paid: bigint
  /** What of `paid` went to the fund. */
  given: bigint
}

interface Withdrawal {
  wallet: string
  amount: bigint
  setAside: bigint
  status: string
  onItsWay: bigint
}

// biome-ignore lint/suspicious/noExplicitAny: JSON, of which nothing is known but what the events mean
type Data = any

const terminal = ['released', 'refunded', 'resolved', 'expired']

export function createAuditor(): Auditor {
  const wallets = new Map<string, Wallet>()
  const escrows = new Map<string, Escrow>()
  const withdrawals = new Map<string, Withdrawal>()
  /** Debts that are on their way to a wallet, by what they are for. */
  const legs = new Map<string, { to: string; amount: bigint }>()
  const transfers = new Map<string, { to: string; amount: bigint }>()
  const spendings = new Map<string, { to: string; amount: bigint }>()
  const contributions: { index: number; escrowId: string; amount: string }[] = []
  const proposals = new Map<string, { to: string; amount: string; needed: number; approvals: Set<string>; over: boolean }>()
  let sweptTo = -1
  let [swept, spent, issued, cameIn, wentOut, fees, lost] = [0n, 0n, 0n, 0n, 0n, 0n, 0n]
  const complaints: string[] = []

  const handlers: Record<string, (data: Data, index: number) => void> = {
    WalletOpened({ walletId, owner }) {
      wallets.set(walletId, { owner, has: 0n, spoken: 0n, owes: 0n, holds: new Map(), deposits: new Map() })
    },
    WalletKeyChanged({ walletId, previousKey, publicKey }) {
      const wallet = walletOf(walletId)
      if (wallet.owner !== previousKey) complaints.push(`${walletId} was not ${previousKey}'s`)
      wallet.owner = publicKey
    },
    TestDepositIssued({ walletId, depositId, amount, toShortfall }) {
      const { deposits } = walletOf(walletId)
      if (deposits.has(depositId)) complaints.push(`test deposit ${depositId} twice`)
      deposits.set(depositId, { amount: BigInt(amount), counts: true })
      issued += BigInt(amount)
      comesIn(walletId, BigInt(amount), BigInt(toShortfall))
    },
    DepositCredited({ walletId, txid, vout, amount, toShortfall }) {
      const { deposits } = walletOf(walletId)
      if (deposits.get(`${txid}:${vout}`)?.counts) complaints.push(`deposit ${txid}:${vout} twice`)
      deposits.set(`${txid}:${vout}`, { amount: BigInt(amount), counts: true })
      cameIn += BigInt(amount)
      comesIn(walletId, BigInt(amount), BigInt(toShortfall))
    },
    DepositReversed({ walletId, txid, vout, amount, fromShortfall }) {
      const wallet = walletOf(walletId)
      const deposit = wallet.deposits.get(`${txid}:${vout}`)
      if (!deposit?.counts || deposit.amount !== BigInt(amount)) complaints.push(`deposit ${txid}:${vout} taken back unseen`)
      if (deposit) deposit.counts = false
      cameIn -= BigInt(amount)
      wallet.has -= BigInt(amount) - BigInt(fromShortfall)
      wallet.owes += BigInt(fromShortfall)
    },
    HoldPlaced({ walletId, holdId, amount }) {
      const wallet = walletOf(walletId)
      const escrow = escrowOf(holdId)
      if (wallet.holds.has(holdId)) complaints.push(`hold ${holdId} twice`)
      if (escrow.client !== walletId || escrow.amount !== BigInt(amount)) complaints.push(`hold ${holdId} is not its escrow's`)
      wallet.holds.set(holdId, { amount: BigInt(amount), open: true })
      wallet.spoken += BigInt(amount)
    },
    HoldCaptured({ walletId, holdId, amount }) {
      const escrow = escrowOf(holdId)
      if (escrow.status !== 'funded') complaints.push(`${holdId} is captured while ${escrow.status}`)
      endHold(walletId, holdId, amount)
      walletOf(walletId).has -= BigInt(amount)
      escrow.locked += BigInt(amount)
    },
    HoldReleased({ walletId, holdId, amount, toShortfall }) {
      if (escrowOf(holdId).status !== 'expired') complaints.push(`${holdId} is let go while ${escrowOf(holdId).status}`)
      endHold(walletId, holdId, amount)
      comesIn(walletId, 0n, BigInt(toShortfall))
    },
    TransferSent({ walletId, transferId, to, amount }) {
      walletOf(walletId).has -= BigInt(amount)
      owe(transfers, transferId, to, BigInt(amount))
    },
    CreditPosted({ walletId, source, amount, toShortfall }) {
      const [debts, key] =
        source.kind === 'escrow'
          ? [legs, `${source.escrowId} ${source.leg}`]
          : source.kind === 'transfer'
            ? [transfers, source.transferId]
            : [spendings, source.proposalId]
      const debt = debts.get(key)
      if (!debt || debt.to !== walletId || debt.amount !== BigInt(amount))
        complaints.push(`${walletId} is not owed ${amount} by ${key}`)
      debts.delete(key)
      comesIn(walletId, BigInt(amount), BigInt(toShortfall))
    },
    WithdrawalRequested({ walletId, withdrawalId, amount, feeMax, review }) {
      if (withdrawals.has(withdrawalId)) complaints.push(`withdrawal ${withdrawalId} twice`)
      const setAside = BigInt(amount) + BigInt(feeMax)
      const status = review ? 'review' : 'approved'
      withdrawals.set(withdrawalId, { wallet: walletId, amount: BigInt(amount), setAside, status, onItsWay: 0n })
      walletOf(walletId).spoken += setAside
    },
    WithdrawalApproved: ({ withdrawalId }) => moveWithdrawal(withdrawalId, ['review'], 'approved'),
    WithdrawalRejected: (data) => giveUp(data, ['review']),
    WithdrawalCancelled: (data) => giveUp(data, ['review', 'approved']),
    WithdrawalFailed: (data) => giveUp(data, ['approved']),
    WithdrawalSigned({ walletId, withdrawalId, attempt, booked }) {
      moveWithdrawal(withdrawalId, attempt === 1 ? ['approved'] : ['signed'], 'signed')
      const wallet = walletOf(walletId)
      const withdrawal = withdrawals.get(withdrawalId)!
      if (BigInt(booked) !== (attempt === 1 ? withdrawal.setAside : 0n)) complaints.push(`${withdrawalId} books ${booked}`)
      wallet.has -= BigInt(booked)
      wallet.spoken -= BigInt(booked)
      withdrawal.onItsWay += BigInt(booked)
    },
    WithdrawalConfirmed({ walletId, withdrawalId, amount, fee, feeReturned, toShortfall, feeBorne }) {
      moveWithdrawal(withdrawalId, ['signed'], 'confirmed')
      const withdrawal = withdrawals.get(withdrawalId)!
      if (withdrawal.amount !== BigInt(amount)) complaints.push(`${withdrawalId} pays ${amount}`)
      wentOut += BigInt(amount)
      fees += BigInt(fee)
      lost += BigInt(feeBorne)
      withdrawal.onItsWay += BigInt(feeBorne) - BigInt(amount) - BigInt(fee) - BigInt(feeReturned)
      if (withdrawal.onItsWay !== 0n) complaints.push(`${withdrawalId} leaves ${withdrawal.onItsWay} on its way`)
      comesIn(walletId, BigInt(feeReturned), BigInt(toShortfall))
    },
    WithdrawalUnconfirmed({ withdrawalId, amount, fee, feeBorne }) {
      moveWithdrawal(withdrawalId, ['confirmed'], 'signed')
      wentOut -= BigInt(amount)
      fees -= BigInt(fee)
      lost -= BigInt(feeBorne)
      withdrawals.get(withdrawalId)!.onItsWay += BigInt(amount) + BigInt(fee) - BigInt(feeBorne)
    },
    EscrowOpened({ escrowId, client, provider, amount }) {
      if (escrows.has(escrowId)) complaints.push(`escrow ${escrowId} twice`)
      escrows.set(escrowId, { client, provider, amount: BigInt(amount), status: 'open', locked: 0n, paid: 0n, given: 0n })
    },
    EscrowFunded({ escrowId, client }) {
      if (!walletOf(client).holds.get(escrowId)?.open) complaints.push(`${escrowId} is funded by nothing`)
      moveEscrow(escrowId, ['open'], 'funded')
    },
    EscrowStarted({ escrowId }) {
      moveEscrow(escrowId, ['funded'], 'in_progress')
      if (escrowOf(escrowId).locked !== escrowOf(escrowId).amount) complaints.push(`${escrowId} starts unpaid`)
    },
    EscrowDelivered: ({ escrowId }) => moveEscrow(escrowId, ['in_progress', 'delivered'], 'delivered'),
    ResultVerified: ({ escrowId }) => moveEscrow(escrowId, ['delivered'], 'delivered'),
    EscrowDisputed: ({ escrowId }) => moveEscrow(escrowId, ['in_progress', 'delivered'], 'disputed'),
    EvidenceAdded: ({ escrowId }) => moveEscrow(escrowId, ['disputed'], 'disputed'),
    DisputeVoted: ({ escrowId }) => moveEscrow(escrowId, ['disputed'], 'disputed'),
    EscrowExpired: ({ escrowId }) => moveEscrow(escrowId, ['open'], 'expired'),
    EscrowReleased({ escrowId, providerAmount, fundAmount }, index) {
      moveEscrow(escrowId, ['delivered'], 'released')
      pay(escrowId, index, { provider: providerAmount }, fundAmount)
      allPaid(escrowId)
    },
    EscrowPartlyRefunded({ escrowId, n, amount }, index) {
      moveEscrow(escrowId, ['in_progress', 'delivered'], undefined)
      pay(escrowId, index, { [`refund-${n}`]: amount })
    },
    EscrowRefunded({ escrowId, amount }, index) {
      moveEscrow(escrowId, ['funded', 'in_progress', 'delivered'], 'refunded')
      pay(escrowId, index, { refund: amount })
      allPaid(escrowId)
    },
    EscrowResolved({ escrowId, providerAmount, fundAmount, clientAmount }, index) {
      moveEscrow(escrowId, ['disputed', 'delivered'], 'resolved')
      pay(escrowId, index, { provider: providerAmount, refund: clientAmount }, fundAmount)
      allPaid(escrowId)
    },
    ContributionsSwept({ fromIndex, toIndex, count, amount, listDigest }) {
      const range = contributions.filter(({ index }) => index >= fromIndex && index <= toIndex)
      const lines = range.map(({ amount, escrowId, index }) => `${JSON.stringify({ amount, escrowId, index })}\n`)
      const digest = createHash('sha256').update(lines.join('')).digest('hex')
      const sum = range.reduce((sum, { amount }) => sum + BigInt(amount), 0n)
      if (fromIndex !== sweptTo + 1) complaints.push(`the sweep from ${fromIndex} follows one to ${sweptTo}`)
      if (range.length !== count || sum !== BigInt(amount) || digest !== listDigest)
        complaints.push(`the sweep to ${toIndex} says ${count} contributions of ${amount}, there are ${range.length} of ${sum}`)
      sweptTo = toIndex
      swept += BigInt(amount)
    },
    SpendingProposed: ({ to, ...data }) => handlers['SpendingProposed.v2']!({ ...data, to: { id: to } }, 0),
    SpendingExecuted: ({ to, ...data }) => handlers['SpendingExecuted.v2']!({ ...data, to: { id: to } }, 0),
    'SpendingProposed.v2'({ proposalId, to, amount, stewards }) {
      proposals.set(proposalId, { to: to.id, amount, needed: stewards.threshold, approvals: new Set(), over: false })
    },
    SpendingApproved({ proposalId, by }) {
      const proposal = proposals.get(proposalId)
      if (!proposal || proposal.over) complaints.push(`${proposalId} is approved while it is none`)
      else proposal.approvals.add(by)
    },
    ProposalWithdrawn({ proposalId }) {
      const proposal = proposals.get(proposalId)
      if (!proposal || proposal.over) complaints.push(`${proposalId} is withdrawn while it is none`)
      else proposal.over = true
    },
    'SpendingExecuted.v2'({ proposalId, to: { id: to }, amount }) {
      const proposal = proposals.get(proposalId)
      const isDecided = proposal && !proposal.over && proposal.approvals.size >= proposal.needed
      if (!isDecided || proposal.to !== to || proposal.amount !== amount) complaints.push(`${proposalId} is paid undecided`)
      if (proposal) proposal.over = true
      spent += BigInt(amount)
      owe(spendings, proposalId, to, BigInt(amount))
    },
  }

  function walletOf(walletId: string): Wallet {
    const wallet = wallets.get(walletId)
    if (!wallet) throw new Error(`no wallet ${walletId}`)
    return wallet
  }

  function escrowOf(escrowId: string): Escrow {
    const escrow = escrows.get(escrowId)
    if (!escrow) throw new Error(`no escrow ${escrowId}`)
    return escrow
  }

  function comesIn(walletId: string, amount: bigint, repays: bigint): void {
    const wallet = walletOf(walletId)
    wallet.has += amount - repays
    wallet.owes -= repays
  }

  function endHold(walletId: string, holdId: string, amount: string): void {
    const wallet = walletOf(walletId)
    const hold = wallet.holds.get(holdId)
    if (!hold?.open || hold.amount !== BigInt(amount)) complaints.push(`hold ${holdId} of ${amount} ends, which is not there`)
    if (hold) hold.open = false
    wallet.spoken -= BigInt(amount)
  }

  function owe(debts: Map<string, { to: string; amount: bigint }>, key: string, to: string, amount: bigint): void {
    if (debts.has(key)) complaints.push(`${key} twice`)
    if (amount > 0n) debts.set(key, { to, amount })
  }

  function moveEscrow(escrowId: string, from: string[], to: string | undefined): void {
    const escrow = escrowOf(escrowId)
    if (terminal.includes(escrow.status)) complaints.push(`${escrowId} goes on although it is ${escrow.status}`)
    if (!from.includes(escrow.status)) complaints.push(`${escrowId} goes from ${escrow.status} to ${to}`)
    escrow.status = to ?? escrow.status
  }

  function pay(escrowId: string, index: number, shares: Record<string, string>, fund = '0'): void {
    const escrow = escrowOf(escrowId)
    for (const [leg, amount] of Object.entries(shares)) {
      owe(legs, `${escrowId} ${leg}`, leg === 'provider' ? escrow.provider : escrow.client, BigInt(amount))
      escrow.paid += BigInt(amount)
    }
    escrow.paid += BigInt(fund)
    escrow.given += BigInt(fund)
    if (BigInt(fund) > 0n) contributions.push({ index, escrowId, amount: fund })
    if (escrow.paid > escrow.locked) complaints.push(`${escrowId} pays ${escrow.paid} and has locked ${escrow.locked}`)
  }

  function allPaid(escrowId: string): void {
    const { amount, locked, paid } = escrowOf(escrowId)
    if (paid !== amount || locked !== amount)
      complaints.push(`${escrowId} ends with ${paid} paid and ${locked} locked of ${amount}`)
  }

  function moveWithdrawal(withdrawalId: string, from: string[], to: string): void {
    const withdrawal = withdrawals.get(withdrawalId)
    if (!withdrawal) throw new Error(`no withdrawal ${withdrawalId}`)
    if (!from.includes(withdrawal.status)) complaints.push(`${withdrawalId} goes from ${withdrawal.status} to ${to}`)
    withdrawal.status = to
  }

  function giveUp({ walletId, withdrawalId, toShortfall }: Data, from: string[]): void {
    moveWithdrawal(withdrawalId, from, 'given up')
    walletOf(walletId).spoken -= withdrawals.get(withdrawalId)!.setAside
    comesIn(walletId, 0n, BigInt(toShortfall))
  }

  /** Nobody has less than nothing, and nobody who owes has anything to spend. */
  function look(walletId: string): void {
    const { has, spoken, owes } = walletOf(walletId)
    if (spoken < 0n || has < spoken || owes < 0n) complaints.push(`${walletId} has ${has}, ${spoken} spoken for, and owes ${owes}`)
    if (owes > 0n && has > spoken) complaints.push(`${walletId} owes ${owes} and has ${has - spoken} to spend`)
  }

  function balance(account: string): bigint {
    const id = account.slice(account.indexOf(':') + 1)
    if (account.startsWith('wallet:')) return walletOf(id).has
    if (account.startsWith('shortfall:')) return -walletOf(id).owes
    if (account.startsWith('escrow:')) return escrowOf(id).locked - escrowOf(id).paid
    switch (account) {
      case 'clearing:escrows':
        return sumOf([...legs.values()])
      case 'clearing:transfers':
        return sumOf([...transfers.values()])
      case 'clearing:spending':
        return sumOf([...spendings.values()])
      case 'clearing:withdrawals':
        return [...withdrawals.values()].reduce((sum, { onItsWay }) => sum + onItsWay, 0n)
      case 'clearing:fund':
        return [...escrows.values()].reduce((sum, { given }) => sum + given, 0n) - swept
      case 'fund':
        return swept - spent
      case 'fees:chain':
        return fees
      case 'losses:chain':
        return -lost
      case 'outside:chain':
        return wentOut - cameIn
      case 'outside:test':
        return -issued
    }
    throw new Error(`no account ${account}`)
  }

  return {
    complaints,
    balance,
    see({ type, data }, index) {
      handlers[type]?.(data, index)
      const { walletId } = data as Data
      if (walletId && wallets.has(walletId)) look(walletId)
      if (swept < spent) complaints.push(`the fund has spent ${spent} of ${swept}`)
    },
    accounts: () => [
      ...[...wallets.keys()].flatMap((id) => [`wallet:${id}`, `shortfall:${id}`]),
      ...[...escrows.keys()].map((id) => `escrow:${id}`),
      ...['escrows', 'transfers', 'spending', 'withdrawals', 'fund'].map((name) => `clearing:${name}`),
      ...['fund', 'fees:chain', 'losses:chain', 'outside:chain', 'outside:test'],
    ],
  }
}

function sumOf(debts: readonly { readonly amount: bigint }[]): bigint {
  return debts.reduce((sum, { amount }) => sum + amount, 0n)
}
