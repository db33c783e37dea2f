// Withdrawals that may be paid are paid together, as outputs of one transaction, as far as coins and fees allow.
import { DomainError } from '../../domain/errors.ts'
import type { ChainBlock, ChainCoin, ChainPlace, ChainWithdrawal, TreasuryCoin } from '../ports.ts'
import { type ChainDeps, eachItem, say } from './chain.ts'
import { createPayments, type OpenPayment, orderOf, type Payable } from './chain-payments.ts'

/** Outputs of one payment, and withdrawals that a round takes up. */
const payablesMax = 100
/** Signed withdrawals that a round looks at. */
const signedMax = 1000
/** How long the address of a withdrawal may be missing: it is handed in before, but elsewhere. */
const disclosureMs = 10 * 60_000

export interface Withdrawals {
  /** Takes every open withdrawal a step further. */
  advance(tip: ChainBlock): Promise<void>
}

/** Coins that nobody's payment spends, and what 1000 bytes should pay. */
interface Purse {
  coins: readonly TreasuryCoin[]
  readonly feePerKilobyte: bigint
}

export function createWithdrawals(deps: ChainDeps): Withdrawals {
  const { chain, treasury, store, work, clock, alarm, reached = () => {} } = deps
  const payments = createPayments(deps)

  async function advance(tip: ChainBlock): Promise<void> {
    const [approved, signed] = [await work.withdrawals('approved', payablesMax), await work.withdrawals('signed', signedMax)]
    const open = await openPayments([...approved, ...signed])
    const inPayment = new Set(open.flatMap(({ payment }) => payment.withdrawalIds))
    for (const { withdrawalId, txids } of signed)
      if (!inPayment.has(withdrawalId)) alarm({ kind: 'payment_lost', withdrawalIds: [withdrawalId], txid: txids.at(-1)! })
    const placeOf = await placesOf(open)
    await eachItem(deps, open, nameOf, (payment) => payments.follow(payment, placeOf, tip))
    const drafted = await draftAll(
      approved.filter(({ withdrawalId }) => !inPayment.has(withdrawalId)),
      tip,
    )
    await eachItem(deps, drafted, nameOf, (payment) => payments.follow(payment, new Map(), tip))
  }

  /** Payments of these withdrawals, and those that nobody has finished, whose withdrawals may have been given up. */
  async function openPayments(withdrawals: readonly ChainWithdrawal[]): Promise<readonly OpenPayment[]> {
    const found = await store.payments(withdrawals.map(({ withdrawalId }) => withdrawalId))
    const all = new Map([...(await store.unrecorded()), ...found].map((payment) => [payment.paymentId, payment]))
    const members = await work.withdrawalsById([...all.values()].flatMap(({ withdrawalIds }) => withdrawalIds))
    const byId = new Map(members.map((withdrawal) => [withdrawal.withdrawalId, withdrawal]))
    // Of what the to-do list does not know (yet), nothing can be said.
    const known = [...all.values()].filter(({ withdrawalIds }) => withdrawalIds.every((id) => byId.has(id)))
    return known.map((payment) => ({ payment, members: payment.withdrawalIds.map((id) => byId.get(id)!) }))
  }

  async function placesOf(open: readonly OpenPayment[]): Promise<ReadonlyMap<string, ChainPlace>> {
    const txids = [...new Set(open.flatMap(({ members }) => members.flatMap((withdrawal) => withdrawal.txids)))]
    const places = await chain.places(txids)
    return new Map(txids.map((txid, index) => [txid, places[index]!]))
  }

  async function draftAll(approved: readonly ChainWithdrawal[], tip: ChainBlock): Promise<readonly OpenPayment[]> {
    const payable: Payable[] = []
    await eachItem(deps, approved, nameOfWithdrawal, async (withdrawal) => {
      const destination = await payableTo(withdrawal)
      if (destination !== undefined) payable.push({ withdrawal, destination })
    })
    if (!payable.length) return []
    const purse = await openPurse()
    const isAlone = ({ withdrawal }: Payable) => payments.isAlone(withdrawal.withdrawalId)
    const groups = [payable.filter((one) => !isAlone(one)), ...payable.filter(isAlone).map((one) => [one])]
    const drafted: OpenPayment[] = []
    // A group that no payment can be made for is parted; one withdrawal that none can be made for waits, or fails.
    for (let group = groups.shift(); group; group = groups.shift()) {
      if (!group.length) continue
      const result = await draft(group, purse, tip)
      if (typeof result !== 'string') drafted.push(...result)
      else if (group.length > 1) groups.unshift(...parted(group, result))
      else await failOrWait(group[0]!.withdrawal, result)
    }
    return drafted
  }

  /** The address of a withdrawal that can be paid now. One that never can fails. */
  async function payableTo(withdrawal: ChainWithdrawal): Promise<string | undefined> {
    const destination = await store.destination(withdrawal.destination)
    const reason = whyImpossible(withdrawal, destination)
    if (reason === undefined) return destination
    if (reason !== 'wait') await fail(withdrawal, reason)
    return undefined
  }

  function whyImpossible({ amount, requestedAt }: ChainWithdrawal, destination: string | undefined): string | undefined {
    if (destination === undefined)
      return clock().getTime() - Date.parse(requestedAt) < disclosureMs ? 'wait' : 'destination_not_disclosed'
    if (!treasury.isAddress(destination)) return 'destination_invalid'
    return amount < treasury.dust ? 'amount_is_dust' : undefined
  }

  /** Coins that are deep enough and that nobody's payment spends. Read once a round: what a draft takes leaves it. */
  async function openPurse(): Promise<Purse> {
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

  /** The payment that was drafted; none where somebody else has done so at this moment; a text that says why it cannot be. */
  async function draft(group: readonly Payable[], purse: Purse, { height }: ChainBlock) {
    const order = orderOf(group)
    // Whoever is paid with others must be able to bear a higher fee with them later.
    const feeMax = group.length > 1 ? order.feeMax / 2n : order.feeMax
    const drafted = await treasury.draft({ ...order, feeMax }, purse.coins, purse.feePerKilobyte)
    if (typeof drafted === 'string') return drafted
    const { inputs, psbt, fee } = drafted
    const members = group.map(({ withdrawal }) => withdrawal)
    const kept = await store.keep({
      withdrawalIds: members.map(({ withdrawalId }) => withdrawalId),
      inputs,
      attempts: [{ attempt: 1, psbt, fee, height, signed: undefined }],
    })
    if (!kept) return []
    const spent = new Set(inputs.map(outpointOf))
    purse.coins = purse.coins.filter((coin) => !spent.has(outpointOf(coin)))
    reached('payment drafted')
    return [{ payment: kept, members }]
  }

  async function failOrWait(withdrawal: ChainWithdrawal, reason: string): Promise<void> {
    if (reason === 'fee_max_too_low') await fail(withdrawal, reason)
    else alarm({ kind: 'payment_waits', withdrawalIds: [withdrawal.withdrawalId], reason })
  }

  async function fail({ withdrawalId, walletId }: ChainWithdrawal, reason: string): Promise<void> {
    try {
      await say(deps, { type: 'FailWithdrawal', subject: walletId, data: { withdrawalId, reason }, item: withdrawalId })
    } catch (error) {
      // Its owner has cancelled it at this moment.
      if (!(error instanceof DomainError && error.code === 'WithdrawalNotInStatus')) throw error
    }
  }

  return { advance }
}

/** Where fees are too high for all, those who may bear the least go by themselves; where coins are missing, those come first who wait longest. */
function parted(group: readonly Payable[], reason: string): Payable[][] {
  if (reason === 'fee_max_too_low') {
    const least = group.map(({ withdrawal }) => withdrawal.feeMax).reduce((least, feeMax) => (feeMax < least ? feeMax : least))
    const others = group.filter(({ withdrawal }) => withdrawal.feeMax > least)
    return [others, ...group.filter(({ withdrawal }) => withdrawal.feeMax === least).map((one) => [one])]
  }
  const half = Math.ceil(group.length / 2)
  return [group.slice(0, half), group.slice(half)]
}

const nameOf = ({ payment: { paymentId } }: OpenPayment) => `payment ${paymentId}`

const nameOfWithdrawal = ({ withdrawalId }: ChainWithdrawal) => `withdrawal ${withdrawalId}`

const outpointOf = ({ txid, vout }: Pick<ChainCoin, 'txid' | 'vout'>) => `${txid}:${vout}`
