// All that is needed to judge an escrow without asking anybody: the founding of its network and what became of that network's keys, the
// escrow's own events, and of its two wallets and the fund those that belong to it.
import { z } from 'zod'
import { decode, type Fact } from '../domain/catalogue.ts'
import type { EscrowEvent } from '../domain/escrow/events.ts'
import { type EscrowState, evolveEscrow } from '../domain/escrow/state.ts'
import { type CanonicalEvent, canonicalEvent, type RecordedEvent } from '../domain/event.ts'
import type { FundState } from '../domain/fund/decider.ts'
import { uuidSchema } from '../domain/ids.ts'
import { leafHash } from '../domain/merkle.ts'
import { type Category, parseStreamName, streamName } from '../domain/stream.ts'
import { sourceKey, type WalletState } from '../domain/wallet/state.ts'
import { bundleFormat } from './bundle-format.ts'
import type { VerifySignature } from './ports.ts'
import { replayDecisions } from './replay.ts'

const bundledEventSchema = z.strictObject({
  /** Dense in the log. */
  index: z.int().nonnegative(),
  leaf: z.string().regex(/^[0-9a-f]{64}$/),
  event: z.strictObject({
    id: uuidSchema,
    stream: z.string(),
    revision: z.int().nonnegative(),
    type: z.string(),
    data: z.json(),
    metadata: z.json(),
  }),
})

const bundleSchema = z.strictObject({
  format: z.literal(bundleFormat),
  networkId: uuidSchema,
  escrowId: uuidSchema,
  events: z.array(bundledEventSchema).min(1),
})

/** A bundle is no bundle, or what it says does not follow from what it holds. */
export class BundleInvalid extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'BundleInvalid'
  }
}

/** What a bundle proves. */
export interface Judgement {
  readonly networkId: string
  readonly kind: 'test' | 'main'
  readonly events: number
  readonly escrow: EscrowState
  /** What it owes or owed; `creditedAt` is the index of the event that paid it into its wallet, undefined while none has. */
  readonly legs: readonly {
    readonly leg: string
    readonly to: string
    readonly amount: bigint
    readonly creditedAt: number | undefined
  }[]
  /** What the community fund got; `sweptAt` likewise. */
  readonly contribution: { readonly amount: bigint; readonly sweptAt: number | undefined } | undefined
}

/**
 * Verifies a bundle from itself alone: every leaf hash, signature, id, decision and amount. What it cannot show is that the log holds
 * these events, and that no change of a wallet's key is left out; the log's own proofs show that. Throws `BundleInvalid`.
 */
export async function judgeBundle(raw: unknown, verify: VerifySignature): Promise<Judgement> {
  const { data: bundle, error } = bundleSchema.safeParse(raw)
  if (error)
    throw new BundleInvalid(`is no dispute bundle: ${error.issues.map(({ path, message }) => `${path.join('.')} ${message}`)[0]}`)
  const { escrowId, networkId, events } = bundle
  const log = events.map(recordedOf)
  const namespace = /^([a-z][a-z0-9]*)_network-/.exec(log[0]!.stream)?.[1]
  if (namespace === undefined) throw new BundleInvalid('does not begin with the founding of a network')
  const { difference } = await replayDecisions(log, { namespace, verify, part: { isPartial, assume } })
  if (difference) {
    const { type, stream, revision } = difference.event
    throw new BundleInvalid(`${type} at ${stream}@${revision} ${difference.reason}`)
  }
  const facts = log.map(decode)
  const [genesis] = facts
  if (genesis?.type !== 'NetworkFounded' || genesis.data.networkId !== networkId)
    throw new BundleInvalid(`is not of the network ${networkId} that it names`)
  const own = streamName(namespace, 'escrow', escrowId)
  const escrow = facts
    .filter(({ stream }) => stream === own)
    .reduce<EscrowState | undefined>((state, fact) => evolveEscrow(state, fact as EscrowEvent), undefined)
  if (!escrow) throw new BundleInvalid(`holds no event of the escrow ${escrowId} that it names`)
  refuseForeign(facts, escrow, namespace)
  const judged = { networkId, kind: genesis.data.kind, events: facts.length, escrow, ...paymentsOf(facts, events, escrow) }
  requireBalance(judged)
  return judged
}

function recordedOf(
  { index, leaf, event }: z.infer<typeof bundledEventSchema>,
  n: number,
  all: readonly { readonly index: number }[],
): RecordedEvent {
  if (n > 0 && index <= all[n - 1]!.index) throw new BundleInvalid(`event ${index} is not in the order of the log`)
  if (leafHash(canonicalEvent(event as CanonicalEvent)).toString('hex') !== leaf)
    throw new BundleInvalid(`the leaf hash of event ${index} is not that of the event`)
  return { ...(event as CanonicalEvent), position: BigInt(index), created: new Date(0) }
}

/** Of wallets and the fund a bundle holds only what belongs to the escrow. */
function isPartial(category: Category): boolean {
  return category === 'wallet' || category === 'fund'
}

/**
 * Whether a wallet had enough, what it owed to the network, and how far the fund had swept is no question of this escrow: there the
 * event is believed. Who spoke for the wallet, what is held for the escrow and what it owes is not.
 */
function assume(state: unknown, { type, data }: Fact): unknown {
  const wallet = state as WalletState | undefined
  switch (type) {
    case 'HoldPlaced':
      return wallet && { ...wallet, posted: wallet.held + BigInt(data.amount), shortfall: 0n }
    case 'HoldReleased':
    case 'CreditPosted':
      return wallet && { ...wallet, shortfall: BigInt(data.toShortfall) }
    case 'ContributionsSwept':
      return { ...(state as FundState), sweeps: data.n - 1, sweptToIndex: data.fromIndex - 1 }
    default:
      return state
  }
}

/** What belongs to something else would only make a bundle look like more than it is. */
function refuseForeign(facts: readonly Fact[], { escrowId, client, provider }: EscrowState, namespace: string): void {
  for (const { stream, type } of facts) {
    const { category, id } = parseStreamName(namespace, stream)!
    const belongs =
      category === 'network' || category === 'fund' || (category === 'escrow' ? id === escrowId : id === client || id === provider)
    if (!belongs) throw new BundleInvalid(`${type} of ${stream} does not belong to the escrow`)
  }
}

function paymentsOf(
  facts: readonly Fact[],
  events: readonly { readonly index: number }[],
  { escrowId, legs }: EscrowState,
): Pick<Judgement, 'legs' | 'contribution'> {
  let contribution: Judgement['contribution']
  let given = -1
  const creditedAt = new Map<string, number>()
  facts.forEach(({ type, data }, n) => {
    const { index } = events[n]!
    if ((type === 'EscrowReleased' || type === 'EscrowResolved') && data.fundAmount !== '0') {
      contribution = { amount: BigInt(data.fundAmount), sweptAt: undefined }
      given = index
    } else if (type === 'CreditPosted') creditedAt.set(sourceKey(data.source), index)
    else if (type === 'ContributionsSwept' && contribution && data.fromIndex <= given && given <= data.toIndex)
      contribution = { ...contribution, sweptAt: index }
  })
  const paid = [...legs].map(([leg, { to, amount }]) => ({
    leg,
    to,
    amount,
    creditedAt: creditedAt.get(sourceKey({ kind: 'escrow', escrowId, leg })),
  }))
  return { legs: paid, contribution }
}

/** What was locked is what was paid, what the fund got and what is still there; of an escrow that was never funded, nothing. */
function requireBalance({
  escrow: { status, amount, rest },
  legs,
  contribution,
}: Pick<Judgement, 'escrow' | 'legs' | 'contribution'>): void {
  const paid = legs.reduce((sum, { amount }) => sum + amount, 0n) + (contribution?.amount ?? 0n)
  if (status === 'expired' ? paid !== 0n : paid + rest !== amount)
    throw new BundleInvalid(`of ${amount} locked, ${paid} were paid and ${rest} are left`)
}
