// A withdrawal is drafted, signed, kept, recorded in the log, and only then broadcast; what is in doubt is settled by the same bytes.
import { DomainError } from '../../domain/errors.ts'
import type {
  BroadcastOutcome,
  ChainBlock,
  ChainCoin,
  ChainWithdrawal,
  PaymentAttempt,
  PaymentOrder,
  TreasuryCoin,
} from '../ports.ts'
import { type ChainDeps, eachItem, say } from './chain.ts'

/** Of each kind that a round takes up. */
const itemsMax = 100
/** Blocks without a payment in them until it is sent again for a higher fee. */
const bumpBlocks = 6
/** How long the address of a withdrawal may be missing: it is handed in before, but elsewhere. */
const disclosureMs = 10 * 60_000

const nameOf = ({ withdrawalId }: ChainWithdrawal) => `withdrawal ${withdrawalId}`

export interface Withdrawals {
  /** Takes every open withdrawal a step further. */
  advance(tip: ChainBlock): Promise<void>
}

export function createWithdrawals(deps: ChainDeps): Withdrawals {
  const { chain, treasury, store, work, clock, alarm, reached = () => {} } = deps
  /** Tip at which each payment was handed to the network last: once a block is enough. */
  const handedIn = new Map<string, string>()

  async function advance(tip: ChainBlock): Promise<void> {
    await releaseGivenUp()
    await payApproved(await work.withdrawals('approved', itemsMax), tip)
    await followSigned(tip)
  }

  /** A payment that was drafted for a withdrawal which then was not to be: nobody was told of it. */
  async function releaseGivenUp(): Promise<void> {
    const found = await work.withdrawalsById(await store.unsigned())
    const givenUp = found.filter(({ status }) => isGivenUp(status))
    await eachItem(deps, givenUp, nameOf, ({ withdrawalId }) => store.release(withdrawalId))
  }

  async function payApproved(approved: readonly ChainWithdrawal[], tip: ChainBlock): Promise<void> {
    if (!approved.length) return
    const attempts = await store.attempts(approved.map(({ withdrawalId }) => withdrawalId))
    const purse = await openPurse()
    await eachItem(deps, approved, nameOf, async (withdrawal) => {
      const attempt = attempts.get(withdrawal.withdrawalId)?.[0] ?? (await draftFirst(withdrawal, purse, tip))
      if (attempt) await record(withdrawal, attempt, tip)
    })
  }

  /** Coins that are deep enough and that nobody's payment spends. Read once a round: what a draft takes leaves it. */
  async function openPurse(): Promise<{ coins: readonly TreasuryCoin[]; feePerKilobyte: bigint }> {
    const [found, feePerKilobyte] = await Promise.all([chain.coins(deps.policy().depositConfirmations), chain.feePerKilobyte()])
    const [taken, wallets] = await Promise.all([
      store.spokenFor(found.map(outpointOf)),
      store.walletsOf([...new Set(found.map(({ address }) => address))]),
    ])
    const coins = found
      .filter((coin) => !taken.has(outpointOf(coin)))
      .filter(({ address }) => address === treasury.changeAddress || wallets.has(address))
      .map((coin) => ({ ...coin, walletId: wallets.get(coin.address) }))
    return { coins, feePerKilobyte }
  }

  async function draftFirst(
    withdrawal: ChainWithdrawal,
    purse: { coins: readonly TreasuryCoin[]; feePerKilobyte: bigint },
    { height }: ChainBlock,
  ): Promise<PaymentAttempt | undefined> {
    const { withdrawalId } = withdrawal
    const destination = await store.destination(withdrawal.destination)
    const reason = whyImpossible(withdrawal, destination)
    if (reason === 'wait') return undefined
    if (reason !== undefined) return fail(withdrawal, reason)
    const order = orderOf(withdrawal, destination!)
    const drafted = await treasury.draft(order, purse.coins, purse.feePerKilobyte)
    if (drafted === 'fee_max_too_low') return fail(withdrawal, drafted)
    if (typeof drafted === 'string') {
      alarm({ kind: 'payment_waits', withdrawalId, reason: drafted })
      return undefined
    }
    const attempt = { ...drafted, withdrawalId, attempt: 1, height, signed: undefined }
    if (!(await store.keep(attempt))) return undefined
    const spent = new Set(drafted.inputs.map(outpointOf))
    purse.coins = purse.coins.filter((coin) => !spent.has(outpointOf(coin)))
    reached('payment drafted')
    return attempt
  }

  function whyImpossible({ amount, requestedAt }: ChainWithdrawal, destination: string | undefined): string | undefined {
    if (destination === undefined)
      return clock().getTime() - Date.parse(requestedAt) < disclosureMs ? 'wait' : 'destination_not_disclosed'
    if (!treasury.isAddress(destination)) return 'destination_invalid'
    return amount < treasury.dust ? 'amount_is_dust' : undefined
  }

  async function fail({ withdrawalId, walletId }: ChainWithdrawal, reason: string): Promise<undefined> {
    await unlessGivenUp(withdrawalId, () =>
      say(deps, { type: 'FailWithdrawal', subject: walletId, data: { withdrawalId, reason }, item: withdrawalId }),
    )
  }

  /** Signs what is not signed yet, keeps it, and records it; broadcasts nothing that is not recorded. */
  async function record(withdrawal: ChainWithdrawal, kept: PaymentAttempt, tip: ChainBlock): Promise<void> {
    const { withdrawalId, walletId } = withdrawal
    const attempt = await signed(kept)
    if (!attempt.signed) return
    const { txid } = attempt.signed
    const data = { withdrawalId, attempt: attempt.attempt, txid, fee: String(attempt.fee) }
    const item = `${withdrawalId}\n${attempt.attempt}`
    const recorded = await unlessGivenUp(withdrawalId, () =>
      say(deps, { type: 'RecordWithdrawalTransaction', subject: walletId, data, item }),
    )
    reached('payment recorded')
    if (recorded) await handIn(withdrawalId, attempt.signed, tip)
  }

  async function signed(attempt: PaymentAttempt): Promise<PaymentAttempt> {
    if (attempt.signed) return attempt
    const psbt = treasury.sign(attempt.psbt)
    const done = { ...attempt, psbt, signed: treasury.finish(psbt) }
    if (!done.signed && Buffer.compare(psbt, attempt.psbt) === 0) return attempt
    // A cosigner came between: what is kept counts, and is looked at in the next round.
    if (!(await store.keepSignatures(done, attempt.psbt))) return attempt
    reached('payment signed')
    return done
  }

  /** False when the withdrawal was given up meanwhile; what was drafted for it is released then. */
  async function unlessGivenUp(withdrawalId: string, work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      // What is here when its wallet comes to owe stays here.
      if (error.code === 'WalletFrozen') alarm({ kind: 'payment_waits', withdrawalId, reason: 'wallet_frozen' })
      else if (error.code !== 'WithdrawalNotInStatus') throw error
      else if (isGivenUp(error.details.state)) await store.release(withdrawalId)
      return false
    }
  }

  async function followSigned(tip: ChainBlock): Promise<void> {
    const open = await work.withdrawals('signed', itemsMax * 10)
    const attempts = await store.attempts(open.map(({ withdrawalId }) => withdrawalId))
    const txids = open.flatMap((withdrawal) => withdrawal.txids)
    const places = await chain.places(txids)
    const placeOf = new Map(txids.map((txid, index) => [txid, places[index]!]))
    const { depositConfirmations } = deps.policy()

    await eachItem(deps, open, nameOf, async (withdrawal) => {
      const mined = withdrawal.txids
        .map((txid) => ({ txid, place: placeOf.get(txid)! }))
        .find(({ place }) => place.kind === 'mined')
      // A node that never heard of it, as after a restore, is told at once.
      if (withdrawal.txids.every((txid) => placeOf.get(txid)!.kind === 'unknown')) handedIn.delete(withdrawal.withdrawalId)
      if (mined?.place.kind !== 'mined') await push(withdrawal, attempts.get(withdrawal.withdrawalId) ?? [], tip)
      else if (mined.place.confirmations >= depositConfirmations) await confirm(withdrawal, mined.txid, mined.place.block)
    })
  }

  async function confirm({ withdrawalId, walletId, confirms }: ChainWithdrawal, txid: string, block: ChainBlock): Promise<void> {
    const data = { withdrawalId, txid, blockHash: block.hash, height: block.height }
    await say(deps, { type: 'ConfirmWithdrawal', subject: walletId, data, item: `${withdrawalId}\n${confirms}` })
    handedIn.delete(withdrawalId)
    reached('payment confirmed')
  }

  /** The last recorded attempt again, or a dearer one when that has waited for long. */
  async function push(withdrawal: ChainWithdrawal, attempts: readonly PaymentAttempt[], tip: ChainBlock): Promise<void> {
    const { withdrawalId, txids } = withdrawal
    const txid = txids.at(-1)!
    const last = attempts[txids.length - 1]
    if (last?.signed?.txid !== txid) return alarm({ kind: 'payment_lost', withdrawalId, txid })
    const outcome = await handIn(withdrawalId, last.signed, tip)
    const started = attempts[txids.length]
    if (started) return record(withdrawal, started, tip)
    const isLate = tip.height - last.height >= bumpBlocks
    if (isLate || (outcome?.kind === 'refused' && outcome.reason === 'fee_too_low')) await bump(withdrawal, last, tip)
  }

  async function handIn(
    withdrawalId: string,
    { txid, bytes }: NonNullable<PaymentAttempt['signed']>,
    tip: ChainBlock,
  ): Promise<BroadcastOutcome | undefined> {
    const mark = `${txid}\n${tip.hash}`
    if (handedIn.get(withdrawalId) === mark) return undefined
    const outcome = await chain.broadcast(bytes)
    reached('payment broadcast')
    // What is in doubt is handed in again at once: the network knows the bytes by their hash.
    if (outcome.kind !== 'unknown') handedIn.set(withdrawalId, mark)
    if (outcome.kind === 'refused' && outcome.reason !== 'fee_too_low')
      alarm({ kind: 'payment_refused', withdrawalId, txid, message: outcome.message })
    return outcome
  }

  /** The same coins to the same address for half as much again: whichever of the two is mined, the other cannot be. */
  async function bump(withdrawal: ChainWithdrawal, last: PaymentAttempt, tip: ChainBlock): Promise<void> {
    const { withdrawalId, feeMax } = withdrawal
    const destination = await store.destination(withdrawal.destination)
    if (destination === undefined || last.fee >= feeMax) return
    const wanted = last.fee + last.fee / 2n
    const fee = wanted < feeMax ? wanted : feeMax
    const draft = await treasury.redraft(orderOf(withdrawal, destination), last.inputs, fee)
    if (!draft || draft.fee <= last.fee) return
    const attempt = { ...draft, withdrawalId, attempt: last.attempt + 1, height: tip.height, signed: undefined }
    if (await store.keep(attempt)) await record(withdrawal, attempt, tip)
  }

  return { advance }
}

const orderOf = ({ amount, feeMax }: ChainWithdrawal, destination: string): PaymentOrder => ({ destination, amount, feeMax })

const isGivenUp = (status: unknown) => status === 'cancelled' || status === 'rejected' || status === 'failed'

const outpointOf = ({ txid, vout }: Pick<ChainCoin, 'txid' | 'vout'>) => `${txid}:${vout}`
