import type { ChainCoin } from '../ports.ts'
import { type ChainDeps, say } from './chain.ts'

/** What two of the three say; units. */
interface Comparison {
  readonly subject: string
  readonly expected: bigint
  readonly actual: bigint
}

/** Withdrawals that are looked at together. */
const openMax = 10_000

/**
 * Compares the ledger, the node's wallet and the chain, all as of the block that is `depositConfirmations` deep, and says in the log where
 * they disagree and when they agree again. Only to be asked when nothing is left to do, so that the ledger has caught up with that block.
 */
export function createReconciliation(deps: ChainDeps) {
  const { chain, store, work, alarm } = deps
  /** What differed at the last look: a difference counts when it is there at two of them, with a pause between. */
  let suspected = new Map<string, string>()

  async function compare(): Promise<Comparison[]> {
    const confirmations = deps.policy().depositConfirmations
    const listed = await chain.coins(confirmations)
    const onChain = await chain.unspent(listed)
    const listedSum = sum(listed.map(({ amount }) => amount))
    const chainSum = sum(onChain.map((amount) => amount ?? 0n))
    return [
      { subject: 'wallet', expected: chainSum, actual: listedSum },
      { subject: 'treasury', expected: await work.holdings(), actual: chainSum + (await onItsWay(listed)) },
    ]
  }

  /** Coins that signed payments spend which are not confirmed: they still count, until the ledger books the payment. */
  async function onItsWay(listed: readonly ChainCoin[]): Promise<bigint> {
    const open = await work.withdrawals('signed', openMax)
    const payments = await store.payments(open.map(({ withdrawalId }) => withdrawalId))
    const inputs = payments.flatMap((payment) => payment.inputs)
    const counted = new Set(listed.map(({ txid, vout }) => `${txid}:${vout}`))
    return sum(inputs.filter(({ txid, vout }) => !counted.has(`${txid}:${vout}`)).map(({ amount }) => amount))
  }

  return {
    async look(): Promise<void> {
      const before = await chain.tip()
      const found = await compare()
      // A block came between: the figures are not of one moment.
      if ((await chain.tip()).hash !== before.hash) return
      const open = new Set(await work.differences())
      const differing = found.filter(({ expected, actual }) => expected !== actual)
      for (const difference of differing) if (suspected.get(difference.subject) === figures(difference)) await openOne(difference)
      for (const { subject, expected, actual } of found)
        if (expected === actual && open.has(subject)) await close(subject, before.hash)
      suspected = new Map(differing.map((difference) => [difference.subject, figures(difference)]))
    },
  }

  async function openOne({ subject, expected, actual }: Comparison): Promise<void> {
    const { hash } = await chain.tip()
    const data = { subject, expected: String(expected), actual: String(actual) }
    const position = await say(deps, {
      type: 'OpenDifference',
      subject: 'reconciliation',
      data,
      item: `${subject}\n${expected}\n${actual}\n${hash}`,
    })
    if (position !== undefined) alarm({ kind: 'difference', subject, expected, actual })
  }

  async function close(subject: string, hash: string): Promise<void> {
    await say(deps, { type: 'CloseDifference', subject: 'reconciliation', data: { subject }, item: `${subject}\n${hash}` })
  }
}

const figures = ({ expected, actual }: Comparison) => `${expected} ${actual}`

const sum = (amounts: readonly bigint[]) => amounts.reduce((all, amount) => all + amount, 0n)
