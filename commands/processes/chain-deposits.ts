import { depositKey } from '../../domain/wallet/state.ts'
import type { ChainPayment } from '../ports.ts'
import { type ChainDeps, eachItem, say } from './chain.ts'

/**
 * Credits what arrived at wallets' addresses and has the confirmations that the policy asks for. The place moves only behind what is
 * credited, so that after any downtime nothing is missed; what is seen again is known by its key.
 */
export async function creditDeposits(deps: ChainDeps): Promise<void> {
  const { chain, store, work } = deps
  const { depositConfirmations } = deps.policy()
  const place = await store.place()
  const { payments, upTo } = await chain.payments(place, depositConfirmations)
  const ripe = payments.filter(({ block, confirmations }) => block && confirmations >= depositConfirmations)
  const wallets = await store.walletsOf(ripe.map(({ address }) => address))
  const known = await work.deposits(ripe.map(depositKey))
  const due = ripe.filter((payment) => wallets.has(payment.address) && !known.get(depositKey(payment))?.credited)
  const all = await eachItem(
    deps,
    due,
    (payment) => `deposit ${depositKey(payment)}`,
    async (payment) => {
      const key = depositKey(payment)
      const item = `${key}\n${known.get(key)?.credits ?? 0}`
      await say(deps, { type: 'CreditDeposit', subject: wallets.get(payment.address)!, data: credit(payment), item })
      deps.reached?.('deposit credited')
    },
  )
  if (!all || upTo === place) return
  await store.setPlace(upTo)
  deps.reached?.('deposits placed')
}

function credit({ txid, vout, amount, block, confirmations }: ChainPayment) {
  return { txid, vout, amount: String(amount), blockHash: block!.hash, height: block!.height, confirmations }
}
