// What the chain's processes have in common: their means, and how they say in the log what happened on the chain.
import type { Json } from '../../domain/canonical.ts'
import { DomainError } from '../../domain/errors.ts'
import { uuidV5 } from '../../domain/ids.ts'
import type { MoneyPolicy } from '../../domain/network/policy.ts'
import {
  type Chain,
  type ChainStore,
  ChainUnavailable,
  type ChainWork,
  type Clock,
  type Signer,
  StoreUnavailable,
  type SubmitCommand,
  type Treasury,
} from '../ports.ts'
import { signCommand } from '../sign.ts'

export interface ChainDeps {
  readonly networkId: string
  readonly policy: () => MoneyPolicy
  readonly chain: Chain
  readonly treasury: Treasury
  readonly store: ChainStore
  readonly work: ChainWork
  readonly submit: SubmitCommand
  /** The network's service key `chain`. */
  readonly signer: Signer
  readonly clock: Clock
  /** Told of what a person must look at, and of what only waits. */
  readonly alarm: (alarm: ChainAlarm) => void
  /** Named points behind each step that leaves something behind: where tests end the process. */
  readonly reached?: (point: ChainPoint) => void
}

/** What the process cannot put right by itself. */
export type ChainAlarm =
  | { readonly kind: 'item_failed'; readonly item: string; readonly error: unknown }
  /** A signed payment's coins were spent by somebody else, or the network calls it invalid. */
  | { readonly kind: 'payment_refused'; readonly withdrawalIds: readonly string[]; readonly txid: string; readonly message: string }
  /** The log knows a payment whose bytes are gone: it may be paid or not. */
  | { readonly kind: 'payment_lost'; readonly withdrawalIds: readonly string[]; readonly txid: string }
  /** The treasury has no coins that are deep enough: it waits. */
  | { readonly kind: 'payment_waits'; readonly withdrawalIds: readonly string[]; readonly reason: string }
  | { readonly kind: 'difference'; readonly subject: string; readonly expected: bigint; readonly actual: bigint }

export type ChainPoint =
  | 'payment drafted'
  | 'payment signed'
  | 'payment recorded'
  | 'payment broadcast'
  | 'payment confirmed'
  | 'deposit credited'
  | 'block undone'
  | 'deposits placed'

/** Something to be said in the log about `item`: the same item gives the same command id, whoever says it and however often. */
export interface ChainCommand {
  readonly type: string
  readonly subject: string
  readonly data: Readonly<Record<string, Json>>
  readonly item: string
}

/** Says it. Resolves with the position where the log says so, undefined where it said so before. Throws `DomainError` and what `submit` throws. */
export async function say(deps: ChainDeps, { type, subject, data, item }: ChainCommand): Promise<bigint | undefined> {
  const { networkId, submit, signer, clock } = deps
  const command = {
    type,
    subject,
    data: { ...data },
    commandId: uuidV5(networkId, `chain\n${type}\n${item}`),
    issuedAt: clock().toISOString(),
    audience: networkId,
  }
  try {
    return (await submit(signCommand(signer, command))).position
  } catch (error) {
    // It was said a moment ago, at another time; the read model is behind.
    if (error instanceof DomainError && error.code === 'CommandIdReused') return undefined
    throw error
  }
}

/** Whether everything has to wait, and not only the item at hand. */
export function isAway(error: unknown): boolean {
  return error instanceof ChainUnavailable || error instanceof StoreUnavailable
}

/** Works on each item; one that fails is told of and stays open. Throws when everything has to wait. True when none failed. */
export async function eachItem<Item>(
  { alarm }: ChainDeps,
  items: readonly Item[],
  nameOf: (item: Item) => string,
  work: (item: Item) => Promise<void>,
): Promise<boolean> {
  let all = true
  for (const item of items) {
    try {
      await work(item)
    } catch (error) {
      if (isAway(error)) throw error
      all = false
      alarm({ kind: 'item_failed', item: nameOf(item), error })
    }
  }
  return all
}
