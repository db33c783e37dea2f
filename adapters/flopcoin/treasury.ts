import type { HDKey } from '@scure/bip32'
import type { Chain, Treasury, TreasuryCoin } from '../../commands/ports.ts'
import { feePerKilobyteMin } from './node.ts'
import { draftOf, draftPayment, dust, finishPayment, signPayment, sumOf } from './payment.ts'
import type { Vault } from './vault.ts'

/** The vault as the processes have it: payments of coins that `chain` knows, signed by `accounts`; none where all keys are elsewhere. */
export function openTreasury(
  vault: Vault,
  accounts: readonly HDKey[],
  { transactionBytes }: Pick<Chain, 'transactionBytes'>,
): Treasury {
  const spendable = (coin: TreasuryCoin) => ({
    ...coin,
    at: coin.walletId === undefined ? vault.change : vault.deposit(coin.walletId),
  })

  return {
    changeAddress: vault.change.address,
    dust,
    depositAddress: (walletId) => vault.deposit(walletId).address,
    isAddress: (text) => vault.scriptTo(text) !== undefined,

    async draft(order, coins, feePerKilobyte) {
      const draftOf = (coins: readonly TreasuryCoin[], fee: bigint) =>
        draftPayment(vault, order, coins.map(spendable), fee, transactionBytes)
      const largest = coins.toSorted((a, b) => (a.amount < b.amount ? 1 : -1)).slice(0, candidates)
      const drafted = await draftOf(largest, feePerKilobyte)
      if (drafted === 'coins_missing') return draftOf(coins, feePerKilobyte)
      // What would be quick is too dear: the least that the network takes may do.
      return drafted === 'fee_max_too_low' && feePerKilobyte > feePerKilobyteMin ? draftOf(largest, feePerKilobyteMin) : drafted
    },

    async redraft(order, inputs, fee) {
      if (sumOf(inputs) < sumOf(order.outputs) + fee) return undefined
      const origins = await transactionBytes(inputs.map(({ txid }) => txid))
      const draft = draftOf(vault, order, inputs.map(spendable), fee, origins)
      return draft.fee > order.feeMax ? undefined : draft
    },

    sign: (psbt) => signPayment(vault, psbt, accounts),
    finish: (psbt) => finishPayment(vault, psbt),
  }
}

/** Coins that are weighed against each other at first, the largest: the library checks each one's keys, which takes a millisecond. */
const candidates = 10
