import { HDKey } from '@scure/bip32'
import { selectUTXO, Transaction } from '@scure/btc-signer'
import type { CannotPay, PaymentDraft, PaymentOrder, SignedPayment, TreasuryCoin } from '../../commands/ports.ts'
import { chains } from './chains.ts'
import { accountPath, type Vault, type VaultScript } from './vault.ts'

/** A coin and the script that spends it. */
export interface SpendableCoin extends TreasuryCoin {
  readonly at: VaultScript
}

/** Outputs below 0.01 coin cost the network more than they are worth: such change goes to the miners. */
export const dust = 1_000_000n
/** What a standard transaction may weigh, in bytes. */
const bytesMax = 100_000
/** Replaceable by one that pays more (BIP 125). */
const sequence = 0xfffffffd
/** Amounts of a signer's PSBT are proved by the whole transactions that they come from. */
const strictly = { version: 1, strictPrevoutValidation: true } as const

/**
 * Chooses coins and drafts the payment, an output for each that it pays, at `feePerKilobyte`: unsigned, with all that a signer needs to know and to check. `transactionBytes`
 * gives the transactions that the chosen coins come from.
 */
export async function draftPayment(
  vault: Vault,
  order: PaymentOrder,
  coins: readonly SpendableCoin[],
  feePerKilobyte: bigint,
  transactionBytes: (txids: readonly string[]) => Promise<readonly Uint8Array[]>,
): Promise<PaymentDraft | CannotPay> {
  const chosen = chooseCoins(vault, order, coins, feePerKilobyte)
  if (typeof chosen === 'string') return chosen
  return draftOf(vault, order, chosen.inputs, chosen.fee, await transactionBytes(chosen.inputs.map(({ txid }) => txid)))
}

function chooseCoins(vault: Vault, order: PaymentOrder, coins: readonly SpendableCoin[], feePerKilobyte: bigint) {
  const { network, change } = vault
  const selected = selectUTXO(
    coins.map((coin) => ({
      txid: coin.txid,
      index: coin.vout,
      witnessUtxo: { amount: coin.amount, script: coin.at.script },
      redeemScript: coin.at.redeemScript,
    })),
    outputsOf(vault, order),
    'default',
    {
      feePerByte: (feePerKilobyte + 999n) / 1000n,
      changeAddress: change.address,
      network,
      dust,
      dustRelayFeeRate: 1n,
      createTx: false,
      // Only to weigh them: the payment itself is drafted with the transactions that they come from.
      allowLegacyWitnessUtxo: true,
    },
  )
  if (!selected) return 'coins_missing'
  if (selected.weight / 4 > bytesMax) return 'too_many_inputs'
  if (selected.fee! > order.feeMax) return 'fee_max_too_low'
  const byOutpoint = new Map(coins.map((coin) => [`${coin.txid}:${coin.vout}`, coin]))
  const inputs = selected.inputs.map(({ txid, index }) => byOutpoint.get(`${Buffer.from(txid!).toString('hex')}:${index}`)!)
  return { inputs, fee: selected.fee! }
}

/** The payment of exactly these coins at exactly this fee; `origins` are the transactions that the coins come from, in their order. */
export function draftOf(
  vault: Vault,
  order: PaymentOrder,
  inputs: readonly SpendableCoin[],
  fee: bigint,
  origins: readonly Uint8Array[],
): PaymentDraft {
  const transaction = new Transaction(strictly)
  for (const [index, { txid, vout, at }] of inputs.entries())
    transaction.addInput({
      txid,
      index: vout,
      sequence,
      nonWitnessUtxo: origins[index]!,
      redeemScript: at.redeemScript,
      bip32Derivation: at.keys.map(({ publicKey, fingerprint, path }) => [publicKey, { fingerprint, path: [...path] }]),
    })
  for (const output of outputsOf(vault, order)) transaction.addOutput(output)
  const rest = sumOf(inputs) - sumOf(order.outputs) - fee
  if (rest < 0n) throw new RangeError('the coins do not cover the payment and its fee')
  if (rest > dust) transaction.addOutput({ script: vault.change.script, amount: rest })
  return { psbt: transaction.toPSBT(), fee: rest > dust ? fee : fee + rest, inputs }
}

const outputsOf = ({ scriptTo }: Vault, { outputs }: PaymentOrder) =>
  outputs.map(({ destination, amount }) => ({ script: scriptTo(destination)!, amount }))

export const sumOf = (parts: readonly { readonly amount: bigint }[]) => parts.reduce((sum, { amount }) => sum + amount, 0n)

/** The account that a seed of 16 to 64 bytes gives on the treasury's chain. */
export function accountOf(seed: Uint8Array, chain: keyof typeof chains): HDKey {
  return HDKey.fromMasterSeed(seed, chains[chain].bip32).derive(accountPath)
}

/** What a payment does, as a signer reads it out of the PSBT itself. */
export interface PaymentSummary {
  /** What leaves the treasury: every output that is not its change. */
  readonly outputs: readonly { readonly address: string; readonly amount: bigint }[]
  readonly change: bigint
  readonly fee: bigint
  /** The fewest signatures that an input has. */
  readonly signatures: number
}

/** Reads and checks a PSBT. Throws Error for one that is damaged or spends what is not the treasury's. */
export function summaryOf(vault: Vault, psbt: Uint8Array): PaymentSummary {
  const transaction = Transaction.fromPSBT(psbt, strictly)
  const outputs: { address: string; amount: bigint }[] = []
  let change = 0n
  for (let index = 0; index < transaction.outputsLength; index++) {
    const { script, amount } = transaction.getOutput(index)
    if (Buffer.compare(script!, vault.change.script) === 0) change += amount!
    else outputs.push({ address: transaction.getOutputAddress(index, vault.network) ?? 'unknown script', amount: amount! })
  }
  const signatures = Array.from({ length: transaction.inputsLength }, (_, index) => signaturesOf(transaction, index))
  return { outputs, change, fee: transaction.fee, signatures: Math.min(...signatures) }
}

const signaturesOf = (transaction: Transaction, index: number) => transaction.getInput(index).partialSig?.length ?? 0

/** Adds the signatures of those accounts that are among the cosigners. Signing again changes nothing: the nonce follows from key and message (RFC 6979). */
export function signPayment({ plan }: Vault, psbt: Uint8Array, accounts: readonly HDKey[]): Uint8Array {
  const transaction = Transaction.fromPSBT(psbt, strictly)
  for (const account of accounts)
    if (plan.cosigners.includes(account.publicExtendedKey)) transaction.sign(account as Parameters<Transaction['sign']>[0])
  return transaction.toPSBT()
}

/** All signatures of several copies of one PSBT. Throws Error when they are not of the same payment. */
export function combinePayments(psbts: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = psbts.map((psbt) => Transaction.fromPSBT(psbt, strictly))
  return others.reduce((all, other) => all.combine(other), first!).toPSBT()
}

/** The transaction to be broadcast; undefined while signatures are missing. */
export function finishPayment({ plan }: Vault, psbt: Uint8Array): SignedPayment | undefined {
  const transaction = Transaction.fromPSBT(psbt, strictly)
  for (let index = 0; index < transaction.inputsLength; index++)
    if (signaturesOf(transaction, index) < plan.threshold) return undefined
  transaction.finalize()
  return { txid: transaction.id, bytes: transaction.extract() }
}
