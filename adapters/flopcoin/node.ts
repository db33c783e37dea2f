import { z } from 'zod'
import type { BroadcastOutcome, Chain, ChainBlock, ChainPlace, Outpoint } from '../../commands/ports.ts'
import { ChainUnavailable } from '../../commands/ports.ts'
import { coinAmount, wholeNumber } from './amount.ts'
import { type Call, CallOutcomeUnknown, NodeRefused, type Rpc } from './rpc.ts'
import type { Vault } from './vault.ts'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const hexBytes = z
  .string()
  .regex(/^([0-9a-f]{2})+$/)
  .transform((text): Uint8Array => Buffer.from(text, 'hex'))

const paymentSchema = z.object({
  txid: hash,
  vout: wholeNumber,
  category: z.string(),
  address: z.string().optional(),
  amount: coinAmount,
  confirmations: wholeNumber,
  blockhash: hash.optional(),
})
const sinceSchema = z.object({ transactions: z.array(paymentSchema), lastblock: hash })
const headerSchema = z.object({ hash, height: wholeNumber, confirmations: wholeNumber })
const coinSchema = z.object({ txid: hash, vout: wholeNumber, address: z.string().optional(), amount: coinAmount })
const outputSchema = z.object({ value: coinAmount }).nullable()
const transactionSchema = z.object({ confirmations: wholeNumber, blockhash: hash.optional(), hex: hexBytes })
const addressSchema = z.object({ isvalid: z.boolean(), iswatchonly: z.boolean().optional() })
const scriptSchema = z.object({ address: z.string(), redeemScript: z.string() })

/** RPC_INVALID_ADDRESS_OR_KEY, RPC_INVALID_PARAMETER: there is no such transaction, no such height. */
const notFound = -5
const invalidParameter = -8
/** RPC_VERIFY_ERROR, RPC_VERIFY_REJECTED, RPC_VERIFY_ALREADY_IN_CHAIN. */
const verifyError = -25
const verifyRejected = -26
const alreadyInChain = -27

/** What 1000 bytes pay at least: the family's recommendation, 0.01 coin. A node may want more. */
export const feePerKilobyteMin = 1_000_000n

/** `node`: Core 1.14 of the Dogecoin family. Only calls that it has are used. */
export function createChain(rpc: Rpc): Chain {
  const read = async <T extends z.ZodType>(schema: T, method: string, ...params: unknown[]) =>
    checked(schema, method, await rpc.read(method, params))

  /** As `read` for each; a refusal with one of `codes` is undefined. */
  async function readEach<T extends z.ZodType>(schema: T, calls: readonly Call[], ...codes: number[]) {
    const answers = await rpc.readMany(calls)
    return answers.map((answer, index): z.output<T> | undefined => {
      if (!(answer instanceof NodeRefused)) return checked(schema, calls[index]![0], answer)
      if (codes.includes(answer.code)) return undefined
      throw answer
    })
  }

  /** Blocks of the chain by hash; one that left the chain is not among them. */
  async function blocks(hashes: readonly (string | undefined)[]): Promise<ReadonlyMap<string, ChainBlock>> {
    const wanted = [...new Set(hashes)].filter((one) => one !== undefined)
    const headers = await readEach(
      headerSchema,
      wanted.map((one) => ['getblockheader', one]),
    )
    return new Map(headers.filter((header) => header!.confirmations > 0).map((header) => [header!.hash, header!]))
  }

  /** Looking through old blocks can take an hour, and goes on when nobody waits for it: asking again would begin it again. */
  async function importAddress(address: string, rescan: boolean): Promise<void> {
    try {
      await rpc.send('importaddress', [address, 'duxnet', rescan])
    } catch (error) {
      if (error instanceof CallOutcomeUnknown)
        throw new ChainUnavailable('the node did not say that it watches an address', { cause: error })
      throw error
    }
  }

  return {
    async tip() {
      const best = await read(hash, 'getbestblockhash')
      const { height } = await read(headerSchema, 'getblockheader', best)
      return { hash: best, height }
    },

    blockHashes: (heights) =>
      readEach(
        hash,
        heights.map((height) => ['getblockhash', height]),
        invalidParameter,
      ),

    async unwatched(addresses) {
      const known = await readEach(
        addressSchema,
        addresses.map((address) => ['validateaddress', address]),
      )
      return addresses.filter((_, index) => !known[index]!.iswatchonly)
    },

    async watch(addresses, rescan) {
      // One look at the old blocks serves all.
      for (const [index, address] of addresses.entries()) await importAddress(address, rescan && index === addresses.length - 1)
    },

    async payments(after, confirmations) {
      const { transactions, lastblock } = await read(sinceSchema, 'listsinceblock', after ?? '', confirmations, true)
      const received = transactions.filter(({ category }) => category === 'receive' || category === 'generate')
      const byHash = await blocks(received.map(({ blockhash }) => blockhash))
      const payments = received.flatMap(({ txid, vout, address, amount, confirmations, blockhash }) =>
        address === undefined
          ? []
          : [{ txid, vout, address, amount, confirmations, block: blockhash === undefined ? undefined : byHash.get(blockhash) }],
      )
      if (payments.some(({ confirmations, block }) => confirmations > 0 && !block))
        throw new ChainUnavailable('the chain changed while its payments were read')
      return { payments, upTo: lastblock }
    },

    async coins(confirmations) {
      const found = await read(z.array(coinSchema), 'listunspent', confirmations, 9_999_999)
      return found.flatMap(({ address, ...coin }) => (address === undefined ? [] : [{ ...coin, address }]))
    },

    async unspent(outpoints: readonly Outpoint[]) {
      const found = await readEach(
        outputSchema,
        outpoints.map(({ txid, vout }) => ['gettxout', txid, vout, false]),
      )
      return found.map((output) => output?.value)
    },

    async transactionBytes(txids) {
      const found = await readEach(
        transactionSchema,
        txids.map((txid) => ['gettransaction', txid, true]),
      )
      return found.map((transaction) => transaction!.hex)
    },

    async places(txids) {
      const found = await readEach(
        transactionSchema,
        txids.map((txid) => ['gettransaction', txid, true]),
        notFound,
      )
      const byHash = await blocks(found.map((transaction) => transaction?.blockhash))
      return found.map((transaction): ChainPlace => {
        if (!transaction) return { kind: 'unknown' }
        const block = transaction.blockhash === undefined ? undefined : byHash.get(transaction.blockhash)
        return block && transaction.confirmations > 0
          ? { kind: 'mined', block, confirmations: transaction.confirmations }
          : { kind: 'pending' }
      })
    },

    async broadcast(transaction) {
      try {
        await rpc.send('sendrawtransaction', [Buffer.from(transaction).toString('hex')])
        return { kind: 'sent' }
      } catch (error) {
        if (error instanceof CallOutcomeUnknown) return { kind: 'unknown' }
        if (error instanceof NodeRefused) return refusal(error)
        throw error
      }
    },

    async feePerKilobyte() {
      const [estimated, { relayfee }] = await Promise.all([
        read(coinAmount, 'estimatefee', 6),
        read(z.object({ relayfee: coinAmount }), 'getnetworkinfo'),
      ])
      // −1 is "I cannot tell yet".
      return [estimated, relayfee].reduce((most, fee) => (fee > most ? fee : most), feePerKilobyteMin)
    },
  }
}

function checked<T extends z.ZodType>(schema: T, method: string, answer: unknown): z.output<T> {
  const { data, error } = schema.safeParse(answer)
  if (error) throw new ChainUnavailable(`the node's answer to ${method} is not Core's: ${z.prettifyError(error)}`)
  return data
}

/** Core says by code and by words why it will not take a transaction; bytes that it has already are no refusal. */
function refusal({ code, message }: NodeRefused): BroadcastOutcome {
  if (code === alreadyInChain) return { kind: 'mined' }
  if (/txn-already-in-mempool|txn-already-known|already have transaction/i.test(message)) return { kind: 'sent' }
  if (code === verifyError || /missing-?inputs|txn-mempool-conflict|bad-txns-inputs-spent/i.test(message))
    return { kind: 'refused', reason: 'inputs_spent', message }
  if (code === verifyRejected && /fee/i.test(message)) return { kind: 'refused', reason: 'fee_too_low', message }
  return { kind: 'refused', reason: 'invalid', message }
}

/** Whether the node is of the vault's chain and makes the addresses that the vault makes. Throws Error that says what differs, `ChainUnavailable`. */
export async function checkNode(rpc: Rpc, { plan, change }: Pick<Vault, 'plan' | 'change'>): Promise<void> {
  const info = checked(z.object({ chain: z.string() }), 'getblockchaininfo', await rpc.read('getblockchaininfo'))
  if (info.chain !== plan.chain) throw new Error(`the node is on the chain ${info.chain}, the treasury on ${plan.chain}`)
  const keys = change.keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex')).sort()
  const made = checked(scriptSchema, 'createmultisig', await rpc.read('createmultisig', [plan.threshold, keys]))
  if (made.address !== change.address)
    throw new Error(`the node makes other addresses than the treasury: ${made.address}, not ${change.address}`)
}
