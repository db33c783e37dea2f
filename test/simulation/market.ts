// People who do with their money whatever comes to their minds: most of it makes sense, some of it must be refused.
import type { Signer } from '../../commands/ports.ts'
import type { Json } from '../../domain/canonical.ts'
import type { DomainEvent, Fact } from '../../domain/catalogue.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { type EscrowState, evolveEscrow, isTerminal } from '../../domain/escrow/state.ts'
import { fundDecider, fundId } from '../../domain/fund/decider.ts'
import type { FundEvent } from '../../domain/fund/events.ts'
import { available, evolveWallet, type WalletState } from '../../domain/wallet/state.ts'
import { arbiterNames, committed, keyOf, type MoneyWorld, sha256, stewardNames } from '../support/money-world.ts'

/** Somebody with a wallet, and the key that speaks for it now. */
export interface Actor {
  readonly name: string
  readonly walletId: string
  signer: Signer
}

/** What everybody can know of the log, a little late. */
export interface Sight {
  readonly wallets: Map<string, WalletState>
  readonly escrows: Map<string, EscrowState>
  /** Of each wallet, those that are not over. */
  readonly escrowsOf: Map<string, Set<string>>
  readonly delivered: Set<string>
  fund: typeof fundDecider.initialState
  see(fact: Fact): void
}

export function createSight(): Sight {
  const sight: Sight = {
    wallets: new Map(),
    escrows: new Map(),
    escrowsOf: new Map(),
    delivered: new Set(),
    fund: fundDecider.initialState,
    see,
  }

  function see(fact: Fact): void {
    const event = fact as DomainEvent
    if (fact.stream.includes('_wallet-')) {
      const { walletId } = event.data as { walletId: string }
      sight.wallets.set(walletId, evolveWallet(sight.wallets.get(walletId), event as Parameters<typeof evolveWallet>[1])!)
    } else if (fact.stream.includes('_escrow-')) seeEscrow(event as Parameters<typeof evolveEscrow>[1])
    else if (fact.stream.includes('_fund-')) sight.fund = fundDecider.evolve(sight.fund, event as FundEvent, '')
  }

  function seeEscrow(event: Parameters<typeof evolveEscrow>[1]): void {
    const { escrowId, client, provider } = event.data
    const escrow = evolveEscrow(sight.escrows.get(escrowId), event)!
    sight.escrows.set(escrowId, escrow)
    if (escrow.status === 'delivered') sight.delivered.add(escrowId)
    else sight.delivered.delete(escrowId)
    for (const walletId of [client, provider]) {
      const own = sight.escrowsOf.get(walletId) ?? new Set()
      sight.escrowsOf.set(walletId, own)
      if (isTerminal(escrow)) own.delete(escrowId)
      else own.add(escrowId)
    }
  }

  return sight
}

export interface Choice {
  readonly what: string
  readonly envelope: Envelope
  /** It is signed by nobody who may. */
  readonly forbidden?: boolean
  accepted?(): void
}

/** What an actor does next; undefined when it has nothing to do. `random` gives [0, 1). */
export function createMarket(
  world: MoneyWorld,
  actors: readonly Actor[],
  sight: Sight,
  random: () => number,
): (me: Actor) => Choice | undefined {
  const { order, clock } = world
  let count = 0
  const int = (below: number) => Math.floor(random() * below)
  const pick = <T>(items: readonly T[]): T | undefined => items[int(items.length)]
  const chance = (p: number) => random() < p
  const other = (me: Actor) => pick(actors.filter((actor) => actor !== me))!

  /** From one unit to more than there will ever be. */
  function amount(): bigint {
    const digits = pick([0, 3, 3, 9, 9, 15, 15, 20])!
    return 1n + (BigInt(int(2 ** 30)) * 10n ** BigInt(digits)) / 2n ** 30n
  }

  /** Some of what a wallet has; now and then more. */
  function part(walletId: string): string {
    const wallet = sight.wallets.get(walletId)
    const there = wallet ? available(wallet) : 0n
    if (there === 0n || chance(0.1)) return String(amount())
    const some = chance(0.1) ? there : 1n + ((there - 1n) * BigInt(int(400))) / 1000n
    return String(some > 10n ** 20n ? 10n ** 20n : some)
  }

  function escrowOf(me: Actor, side: 'client' | 'provider' | undefined, ...statuses: string[]): EscrowState | undefined {
    const own = [...(sight.escrowsOf.get(me.walletId) ?? [])].map((id) => sight.escrows.get(id)!)
    const mine = own.filter((escrow) => side === undefined || escrow[side] === me.walletId)
    // Mostly where it makes sense.
    return pick(chance(0.05) ? mine : mine.filter(({ status }) => statuses.includes(status)))
  }

  const onEscrow = (
    side: 'client' | 'provider' | undefined,
    type: string,
    statuses: string[],
    data: (escrow: EscrowState, me: Actor) => Record<string, Json> = () => ({}),
  ) => {
    return (me: Actor) => {
      const escrow = escrowOf(me, side, ...statuses)
      return escrow && order(me.signer, type, escrow.escrowId, data(escrow, me))
    }
  }
  const own = (type: string, data: (me: Actor) => Record<string, Json>) => (me: Actor) =>
    order(me.signer, type, me.walletId, data(me))
  const seconds = () => pick([30, 600, 3600, 36_000])!

  const deeds: Record<string, (me: Actor) => Envelope | undefined> = {
    deposit: own('IssueTestDeposit', () => ({ amount: String(amount()) })),
    transfer: own('Transfer', (me) => ({ to: other(me).walletId, amount: part(me.walletId) })),
    open: (me) =>
      order(me.signer, 'OpenEscrow', undefined, {
        client: me.walletId,
        provider: other(me).walletId,
        amount: part(me.walletId),
        terms: committed('terms'),
        fallbackProviderPermille: int(1001),
        windows: { fund: seconds(), start: seconds(), deliver: seconds(), accept: seconds(), resolve: seconds() },
        ...(chance(0.4) && { verifier: pick([me, other(me)])!.signer.publicKey }),
      }),
    hold(me) {
      const escrow = escrowOf(me, 'client', 'open')
      return escrow && order(me.signer, 'PlaceHold', me.walletId, { escrowId: escrow.escrowId })
    },
    cancel: (me) => (chance(0.2) ? onEscrow('client', 'CancelEscrow', ['open', 'funded'])(me) : undefined),
    start: onEscrow('provider', 'StartEscrow', ['funded']),
    decline: (me) => (chance(0.2) ? onEscrow('provider', 'DeclineEscrow', ['funded', 'in_progress', 'delivered'])(me) : undefined),
    deliver: onEscrow('provider', 'DeliverResult', ['in_progress', 'in_progress', 'delivered'], ({ escrowId }, me) =>
      world.signedResult(me.signer, escrowId, sha256(`result ${int(2)}`)),
    ),
    grant: onEscrow('provider', 'GrantRefund', ['in_progress', 'delivered'], ({ rest }) => ({
      amount: String(1n + (rest * BigInt(int(500))) / 1000n),
    })),
    verify(me) {
      const waiting = [...sight.delivered].map((id) => sight.escrows.get(id)!)
      const key = me.signer.publicKey
      const mine = waiting.filter(({ verifier, client }) => (verifier ?? client) === (verifier ? key : me.walletId))
      const escrow = pick(mine)
      const data = escrow && { resultHash: escrow.delivery!.resultHash, valid: chance(0.7) }
      return escrow && order(me.signer, 'VerifyResult', escrow.escrowId, data)
    },
    release: onEscrow('client', 'ReleaseEscrow', ['delivered'], ({ delivery }) => ({
      resultHash: delivery?.resultHash ?? sha256('nothing'),
    })),
    dispute: (me) =>
      chance(0.4)
        ? onEscrow(undefined, 'OpenDispute', ['in_progress', 'delivered'], () => ({ reason: committed('reason') }))(me)
        : undefined,
    evidence: onEscrow(undefined, 'AddEvidence', ['disputed'], () => ({ evidence: committed('evidence') })),
    vote(me) {
      const escrow = escrowOf(me, undefined, 'disputed')
      const providerAmount = String(((escrow?.rest ?? 0n) * BigInt(int(3))) / 2n)
      return escrow && order(keyOf(pick(arbiterNames)!), 'VoteOnDispute', escrow.escrowId, { providerAmount })
    },
    withdraw: own('RequestWithdrawal', (me) => ({
      amount: part(me.walletId),
      feeMax: String(int(1000)),
      destination: committed(`address ${int(3)}`),
    })),
    changeWithdrawal(me) {
      const withdrawals = [...(sight.wallets.get(me.walletId)?.withdrawals.entries() ?? [])].map(([, withdrawal]) => withdrawal)
      const pending = pick(withdrawals.filter(({ status }) => status === 'review' || status === 'approved'))
      if (!pending) return undefined
      const { withdrawalId } = pending
      if (chance(0.3)) return order(me.signer, 'CancelWithdrawal', me.walletId, { withdrawalId })
      const review = { withdrawalId, approve: chance(0.7) }
      return order(keyOf(pick(stewardNames)!), 'ReviewWithdrawal', me.walletId, review)
    },
    fromChain: (me) =>
      order(keyOf('chain'), 'CreditDeposit', me.walletId, {
        ...{ txid: sha256(`${me.name} ${int(5)}`), vout: int(2), amount: String(amount()) },
        ...{ blockHash: sha256('block'), height: 7, confirmations: chance(0.9) ? 6 : 5 },
      }),
    reorg(me) {
      const deposits = [...(sight.wallets.get(me.walletId)?.deposits.entries() ?? [])]
      const [key] = pick(deposits.filter(([key, { credited }]) => credited && key.includes(':'))) ?? []
      const [txid, vout] = key?.split(':') ?? []
      if (!txid || chance(0.5)) return undefined
      return order(keyOf('chain'), 'ReverseDeposit', me.walletId, { txid, vout: Number(vout), reason: 'reorg' })
    },
    propose(me) {
      const { balance } = sight.fund
      const terms = { to: me.walletId, category: 'grants', purpose: committed('purpose') }
      const data = {
        ...terms,
        amount: String(1n + balance / 5n),
        expiresAt: new Date(clock.now.getTime() + 3600_000).toISOString(),
      }
      return chance(0.3) ? order(keyOf(pick(stewardNames)!), 'ProposeSpending', fundId, data) : undefined
    },
    approve() {
      const open = [...sight.fund.proposals.entries()].filter(([, { status }]) => status === 'proposed')
      const proposal = pick(open)?.[1]
      if (!proposal) return undefined
      const { proposalId } = proposal
      const by = keyOf(pick(stewardNames)!)
      if (chance(0.1)) return order(by, 'WithdrawProposal', fundId, { proposalId })
      return order(by, 'ApproveSpending', fundId, { proposalId })
    },
  }
  // Escrows have many steps, and somebody must take each.
  const steps = ['hold', 'start', 'deliver', 'verify', 'release', 'vote']
  const names = [...Object.keys(deeds), ...steps, ...steps]

  function changeKey(me: Actor): Choice {
    const key = keyOf(`${me.name} ${++count}`)
    const { commandId } = order(me.signer, 'ChangeWalletKey', me.walletId).command
    const data = world.provenKey(me.walletId, commandId, key)
    const envelope = order(me.signer, 'ChangeWalletKey', me.walletId, data, { commandId })
    return { what: 'changeKey', envelope, accepted: () => void (me.signer = key) }
  }

  return (me) => {
    if (chance(0.01)) return changeKey(me)
    const what = pick(names)!
    const isForbidden = chance(0.02)
    const envelope = deeds[what]!(isForbidden ? { ...me, signer: keyOf('nobody') } : me)
    return envelope && { what, envelope, forbidden: envelope.publicKey === keyOf('nobody').publicKey }
  }
}
