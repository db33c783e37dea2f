// A payment that was drafted is signed, kept, recorded in the log for each withdrawal in it, and only then broadcast; what is in doubt is
// settled by the same bytes.
import { DomainError } from '../../domain/errors.ts'
import type {
  BroadcastOutcome,
  ChainBlock,
  ChainPlace,
  ChainWithdrawal,
  Payment,
  PaymentAttempt,
  PaymentOrder,
  SignedPayment,
} from '../ports.ts'
import { type ChainDeps, say } from './chain.ts'

/** Blocks without a payment in them until it is sent again for a higher fee. */
const bumpBlocks = 6

/** A payment as store and log know it. */
export interface OpenPayment {
  readonly payment: Payment
  /** Its withdrawals as the log has them, in the order of the outputs. */
  readonly members: readonly ChainWithdrawal[]
}

type Signed = PaymentAttempt & { readonly signed: SignedPayment }

export interface Payments {
  /** Takes a payment a step further; `placeOf` says where recorded transactions are. */
  follow(open: OpenPayment, placeOf: ReadonlyMap<string, ChainPlace>, tip: ChainBlock): Promise<void>
  /** Whether the withdrawal made others wait: it is paid alone from then on. */
  isAlone(withdrawalId: string): boolean
}

export function createPayments(deps: ChainDeps): Payments {
  const { chain, treasury, store, alarm, reached = () => {} } = deps
  /** Tip at which each transaction was handed to the network last: once a block is enough. */
  const handedIn = new Map<string, string>()
  const alone = new Set<string>()

  async function follow(open: OpenPayment, placeOf: ReadonlyMap<string, ChainPlace>, tip: ChainBlock): Promise<void> {
    const { payment, members } = open
    const lost = members.find(({ txids }) => txids.some((txid) => !knows(payment, txid)))
    if (lost) return alarm({ kind: 'payment_lost', withdrawalIds: [lost.withdrawalId], txid: lost.txids.at(-1)! })
    const leaving = members.filter(
      ({ withdrawalId, status }) => isGivenUp(status) || (alone.has(withdrawalId) && status === 'approved'),
    )
    if (leaving.some(({ status }) => isGivenUp(status)) || (leaving.length && members.length > 1)) return leave(open, leaving)

    const txids = payment.attempts.flatMap(({ signed }) => signed?.txid ?? [])
    const mined = txids.find((txid) => placeOf.get(txid)?.kind === 'mined')
    if (mined !== undefined) return confirm(open, mined, placeOf.get(mined)!)
    const last = payment.attempts.at(-1)!
    const full = payment.attempts.findLast((attempt): attempt is Signed => isRecorded(attempt, members))
    if (!full) return record(open, last, tip)
    // A node that never heard of it, as after a restore, is told at once.
    if (txids.every((txid) => placeOf.get(txid)?.kind === 'unknown')) handedIn.delete(full.signed.txid)
    const outcome = await handIn(payment, full.signed, tip)
    if (full !== last) return record(open, last, tip)
    const isRefused = outcome?.kind === 'refused' && outcome.reason === 'fee_too_low'
    if (isRefused || tip.height - last.height >= bumpBlocks) await bump(open, last, tip)
  }

  async function confirm({ payment, members }: OpenPayment, txid: string, place: ChainPlace): Promise<void> {
    if (place.kind !== 'mined' || place.confirmations < deps.policy().depositConfirmations) return
    await store.recorded(payment.paymentId)
    const { hash: blockHash, height } = place.block
    for (const { withdrawalId, walletId, confirms } of members.filter(({ status }) => status === 'signed')) {
      const data = { withdrawalId, txid, blockHash, height }
      await say(deps, { type: 'ConfirmWithdrawal', subject: walletId, data, item: `${withdrawalId}\n${confirms}` })
      reached('payment confirmed')
    }
    handedIn.delete(txid)
  }

  /** Signs what is not signed yet, keeps it, and records it for each; broadcasts nothing that is not recorded for all. */
  async function record({ payment, members }: OpenPayment, kept: PaymentAttempt, tip: ChainBlock): Promise<void> {
    const attempt = await signed(payment, kept)
    if (!attempt.signed) return
    const { txid } = attempt.signed
    for (const [place, { withdrawalId, walletId, txids }] of members.entries()) {
      if (txids.includes(txid)) continue
      const fee = String(shareOf(attempt.fee, members.length, place))
      const data = { withdrawalId, attempt: txids.length + 1, txid, fee }
      const command = { type: 'RecordWithdrawalTransaction', subject: walletId, data, item: `${withdrawalId}\n${txid}` }
      if (!(await unlessRefused(withdrawalId, () => say(deps, command)))) return
      reached('payment recorded')
    }
    await store.recorded(payment.paymentId)
    await handIn(payment, attempt.signed, tip)
  }

  async function signed({ paymentId }: Payment, attempt: PaymentAttempt): Promise<PaymentAttempt> {
    if (attempt.signed) return attempt
    const psbt = treasury.sign(attempt.psbt)
    const done = { ...attempt, psbt, signed: treasury.finish(psbt) }
    if (!done.signed && Buffer.compare(psbt, attempt.psbt) === 0) return attempt
    // A cosigner came between: what is kept counts, and is looked at in the next round.
    if (!(await store.keepSignatures(paymentId, done, attempt.psbt))) return attempt
    reached('payment signed')
    return done
  }

  /** False when the withdrawal cannot be paid now: the next round pays the others without it. */
  async function unlessRefused(withdrawalId: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      if (error.code !== 'WalletFrozen' && error.code !== 'WithdrawalNotInStatus') throw error
      // What is here when its wallet comes to owe stays here.
      if (error.code === 'WalletFrozen') {
        alone.add(withdrawalId)
        alarm({ kind: 'payment_waits', withdrawalIds: [withdrawalId], reason: 'wallet_frozen' })
      }
      return false
    }
  }

  /**
   * Pays the others without those who leave. Nothing that pays these was broadcast, as it is recorded for all before; where it is recorded
   * for some, the next attempt spends the same coins, so that no more than one of the two can ever be.
   */
  async function leave({ payment, members }: OpenPayment, leaving: readonly ChainWithdrawal[]): Promise<void> {
    const staying = members.filter((member) => !leaving.includes(member))
    if (!staying.some(({ txids }) => txids.length)) return store.release(payment.paymentId)
    const { paymentId, inputs, attempts } = payment
    const last = attempts.at(-1)!
    const redrafted = await redraft({ payment, members: staying }, inputs, last.fee)
    if (!redrafted) return
    const next = { ...redrafted, attempt: last.attempt + 1, height: last.height, signed: undefined }
    const ids = staying.map(({ withdrawalId }) => withdrawalId)
    await store.replace(paymentId, ids, next)
  }

  async function handIn(
    { withdrawalIds }: Payment,
    { txid, bytes }: SignedPayment,
    tip: ChainBlock,
  ): Promise<BroadcastOutcome | undefined> {
    if (handedIn.get(txid) === tip.hash) return undefined
    const outcome = await chain.broadcast(bytes)
    reached('payment broadcast')
    // What is in doubt is handed in again at once: the network knows the bytes by their hash.
    if (outcome.kind !== 'unknown') handedIn.set(txid, tip.hash)
    if (outcome.kind === 'refused' && outcome.reason !== 'fee_too_low')
      alarm({ kind: 'payment_refused', withdrawalIds, txid, message: outcome.message })
    return outcome
  }

  /** The same coins to the same addresses for half as much again: whichever of the two is mined, the other cannot be. */
  async function bump(open: OpenPayment, last: PaymentAttempt, tip: ChainBlock): Promise<void> {
    const { payment, members } = open
    if (last.fee >= feeMaxOf(members)) return
    const draft = await redraft(open, payment.inputs, last.fee + last.fee / 2n)
    if (!draft || draft.fee <= last.fee) return
    const attempt = { ...draft, attempt: last.attempt + 1, height: tip.height, signed: undefined }
    if (await store.keepAttempt(payment.paymentId, attempt)) await record(open, attempt, tip)
  }

  /** Undefined when an address is not there any more, or the coins do not cover the fee. */
  async function redraft({ members }: OpenPayment, inputs: Payment['inputs'], wanted: bigint) {
    const destinations = await Promise.all(members.map(({ destination }) => store.destination(destination)))
    if (destinations.includes(undefined)) return undefined
    const order = orderOf(members.map((withdrawal, place) => ({ withdrawal, destination: destinations[place]! })))
    const drafted = await treasury.redraft(order, inputs, wanted < order.feeMax ? wanted : order.feeMax)
    return drafted && { psbt: drafted.psbt, fee: drafted.fee }
  }

  return { follow, isAlone: (withdrawalId) => alone.has(withdrawalId) }
}

/** A withdrawal and the address that was committed to. */
export interface Payable {
  readonly withdrawal: ChainWithdrawal
  readonly destination: string
}

/** One transaction for all of them. */
export function orderOf(payables: readonly Payable[]): PaymentOrder {
  const outputs = payables.map(({ withdrawal: { amount }, destination }) => ({ destination, amount }))
  return { outputs, feeMax: feeMaxOf(payables.map(({ withdrawal }) => withdrawal)) }
}

/** Each bears the same share of the fee, so the smallest that one of them may bear decides. */
const feeMaxOf = (members: readonly ChainWithdrawal[]) =>
  BigInt(members.length) * members.map(({ feeMax }) => feeMax).reduce((least, feeMax) => (feeMax < least ? feeMax : least))

/** What the one at `place` of `count` bears of a fee: what cannot be divided is borne by the first. Units. */
export function shareOf(fee: bigint, count: number, place: number): bigint {
  const [share, rest] = [fee / BigInt(count), fee % BigInt(count)]
  return BigInt(place) < rest ? share + 1n : share
}

const isRecorded = ({ signed }: PaymentAttempt, members: readonly ChainWithdrawal[]) =>
  signed !== undefined && members.every(({ txids }) => txids.includes(signed.txid))

const knows = ({ attempts, withdrawn }: Payment, txid: string) =>
  withdrawn.includes(txid) || attempts.some(({ signed }) => signed?.txid === txid)

export const isGivenUp = (status: unknown) => status === 'cancelled' || status === 'rejected' || status === 'failed'
