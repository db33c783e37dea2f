import type { Json } from '../domain/canonical.ts'
import type { waitingStatuses } from '../domain/escrow/state.ts'
import type { RecordedEvent } from '../domain/event.ts'
import type { Contribution } from '../domain/fund/contributions.ts'
import type { Health, HealthReason } from '../domain/health/events.ts'
import type { NoteKey } from '../domain/signed-note.ts'
import type { CreditSource } from '../domain/wallet/events.ts'

/** An event on its way into a stream: its revision is decided by where it lands. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly data: Json
  readonly metadata: Json
}

/** A revision that the stream's last event must have, or that the stream must hold none. */
export type ExpectedRevision = number | 'no_stream'

export interface Appended {
  /** Revision of the last event written. */
  readonly revision: number
  /** Position of the last event written. */
  readonly position: bigint
}

/** What a subscription tells, in order. It never ends by itself; it throws `LogDiverged` or the signal's reason. */
export type LogMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  /** Nothing of ours up to and including `position`. */
  | { readonly kind: 'passed'; readonly position: bigint }
  /** All that was there when the subscription (re)opened has been told. */
  | { readonly kind: 'caughtUp' }

/** A place in the log with proof of which log it is: the last event of ours that was taken in (design.md 18). */
export interface LogPlace {
  readonly position: bigint
  readonly eventId: string
}

/** The log of one namespace: streams by name, and all of them in one order. Only events of the namespace's streams are seen. */
export interface EventStore {
  /**
   * Appends all of `events` or none; when it resolves they are durable. The same events at the same expected revision again
   * succeed again. Throws `WrongExpectedRevision`, `StoreUnavailable` (nothing was written), `AppendOutcomeUnknown`.
   */
  append(stream: string, expected: ExpectedRevision, events: readonly NewEvent[]): Promise<Appended>

  /** The stream's events from `from` on (default: its beginning); none when there is no such stream. Throws `StoreUnavailable`. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>

  /** Events in the order of the log, after `after` (default: from the beginning), to what was the end when it started. Throws `StoreUnavailable`, `LogDiverged`. */
  readAll(options?: { readonly after?: LogPlace; readonly signal?: AbortSignal }): AsyncIterable<RecordedEvent>

  /**
   * Events as `readAll` and then live, for ever, across disconnects without gap or repetition; a watchdog reopens it when it stalls.
   * Throws `LogDiverged` when the log no longer holds the event of the place it would go on from.
   */
  subscribe(options: { readonly after?: LogPlace; readonly signal: AbortSignal }): AsyncIterable<LogMessage>

  /** The newest event of the namespace; undefined when there is none yet. Throws `StoreUnavailable`. */
  head(): Promise<LogPlace | undefined>

  /** Resolves when the store answers. Throws `StoreUnavailable`. */
  ping(): Promise<void>

  close(): Promise<void>
}

export interface ReadStreamOptions {
  readonly direction?: 'forwards' | 'backwards'
  /** Inclusive; backwards without it starts at the end. */
  readonly from?: number
  readonly limit?: number
}

/** Somebody else appended first; `actual` is the stream's last revision where the store says it. */
export class WrongExpectedRevision extends Error {
  readonly stream: string
  readonly expected: ExpectedRevision
  readonly actual: ExpectedRevision | undefined

  constructor(stream: string, expected: ExpectedRevision, actual?: ExpectedRevision) {
    super(`${stream} is not at ${expected}${actual === undefined ? '' : ` but at ${actual}`}`)
    this.name = 'WrongExpectedRevision'
    this.stream = stream
    this.expected = expected
    this.actual = actual
  }
}

/** The store cannot be reached or does not answer; nothing was written. */
export class StoreUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StoreUnavailable'
  }
}

/** An append broke off after it was sent: it may have happened. Its event ids settle which. */
export class AppendOutcomeUnknown extends Error {
  readonly stream: string

  constructor(stream: string, options?: ErrorOptions) {
    super(`the append to ${stream} may or may not have happened`, options)
    this.name = 'AppendOutcomeUnknown'
    this.stream = stream
  }
}

/** The log does not hold what it held before: it was cut, replaced or restored from an older copy. */
export class LogDiverged extends Error {
  readonly place: LogPlace

  constructor(place: LogPlace, found: string) {
    super(`at position ${place.position} the log should hold event ${place.eventId}, but ${found}`)
    this.name = 'LogDiverged'
    this.place = place
  }
}

/** Our clock. */
export type Clock = () => Date

/**
 * Whether `signature` over `message` is `publicKey`'s, strictly (design.md 8): S < L, no small-order key or R, canonical encodings.
 * Keys and signatures are base64url.
 */
export type VerifySignature = (publicKey: string, message: Uint8Array, signature: string) => Promise<boolean>

/** Signs `message` with a key that the caller holds. */
export interface Signer {
  readonly publicKey: string
  sign(message: Uint8Array): string
}

/** What became of a command. */
export interface CommandOutcome {
  readonly commandId: string
  /** `repeated`: it had happened before and this is its first answer; `unchanged`: already so, nothing was appended. */
  readonly outcome: 'accepted' | 'repeated' | 'unchanged'
  readonly stream: string
  /** Empty when unchanged. */
  readonly events: readonly { readonly id: string; readonly revision: number; readonly type: string; readonly data: Json }[]
  /** Position of the last of `events`; undefined when unchanged. */
  readonly position: bigint | undefined
}

/** The way in for every command. Throws `DomainError`, `StoreUnavailable`, `AppendOutcomeUnknown`. */
export type SubmitCommand = (envelope: unknown, context?: CommandContext) => Promise<CommandOutcome>

/** What a command comes from; kept in its events' metadata. */
export interface CommandContext {
  /** W3C trace context; left out when it is not well-formed. */
  readonly traceparent?: string
  /** UUIDs; the command's own id unless given. */
  readonly causationId?: string
  readonly correlationId?: string
}

/** Counts and times for metrics; the process wires them to Prometheus. */
export interface CommandMetrics {
  decided(type: string, outcome: string): void
  appended(seconds: number): void
}

/** A node as the `health-watch` read model knows it: what its last heartbeat says, and what its health stream says. */
export interface HealthItem {
  readonly nodeId: string
  readonly status: 'registered' | Health
  /** What the thresholds make of the last heartbeat. */
  readonly verdict: 'healthy' | 'unhealthy'
  readonly reasons: readonly HealthReason[]
  /** The last heartbeat: its revision in the node's heartbeat stream and its `recordedAt`. */
  readonly heartbeatRevision: number
  readonly heartbeatAt: string
}

/** The to-do list of the health process (design.md 12), a read model: an item is open until `NodeHealthChanged` closes it. */
export interface HealthWatch {
  /** Nodes heard of after `heardAfter` whose status is not the verdict of their last heartbeat. */
  changed(heardAfter: Date, limit: number): Promise<readonly HealthItem[]>
  /** Nodes not offline whose last heartbeat is not newer than `heardAt`. */
  silent(heardAt: Date, limit: number): Promise<readonly HealthItem[]>
}

/** A block of the chain; hashes are 64 hex digits as nodes write them. */
export interface ChainBlock {
  readonly hash: string
  readonly height: number
}

/** An output of a transaction. */
export interface Outpoint {
  readonly txid: string
  readonly vout: number
}

/** Units that arrived at a watched address. */
export interface ChainPayment extends Outpoint {
  readonly address: string
  readonly amount: bigint
  /** 0: in no block of the chain; negative: it contradicts the chain and will not come. */
  readonly confirmations: number
  /** Undefined while it is in none. */
  readonly block: ChainBlock | undefined
}

/** Units at a watched address that nothing has spent, as the node's wallet knows it. */
export interface ChainCoin extends Outpoint {
  readonly address: string
  readonly amount: bigint
}

/** What became of handing a transaction to the network. `unknown`: ask again, or hand in the same bytes again. */
export type BroadcastOutcome =
  | { readonly kind: 'sent' | 'mined' | 'unknown' }
  /** The network will not take it now: what it spends is spent, it pays too little, or it is none. */
  | { readonly kind: 'refused'; readonly reason: 'inputs_spent' | 'fee_too_low' | 'invalid'; readonly message: string }

/** A chain, as a node sees it whose wallet watches addresses and holds no key. Everything throws `ChainUnavailable`. */
export interface Chain {
  tip(): Promise<ChainBlock>
  /** Hash of the chain's block at each height; undefined where it has none. */
  blockHashes(heights: readonly number[]): Promise<readonly (string | undefined)[]>
  /** Of these addresses, those that the node does not watch. */
  unwatched(addresses: readonly string[]): Promise<readonly string[]>
  /** Makes the node watch addresses from now on; it looks for older payments where `rescan` is set. */
  watch(addresses: readonly string[], rescan: boolean): Promise<void>
  /**
   * Payments in blocks after the block `after`, and in none; all of them without `after`, or where that is not of the chain. `upTo` is the
   * youngest block with `confirmations`: the next `after` that misses nothing.
   */
  payments(
    after: string | undefined,
    confirmations: number,
  ): Promise<{ readonly payments: readonly ChainPayment[]; readonly upTo: string }>
  /** Unspent outputs at watched addresses that have `confirmations`. */
  coins(confirmations: number): Promise<readonly ChainCoin[]>
  /** Units of each output while nothing in a block has spent it, otherwise undefined: by the chain, whatever the wallet thinks. */
  unspent(outpoints: readonly Outpoint[]): Promise<readonly (bigint | undefined)[]>
  /** Bytes of a transaction that the wallet knows. */
  transactionBytes(txids: readonly string[]): Promise<readonly Uint8Array[]>
  /** Where each transaction is: a block with confirmations, nowhere in the chain yet, or unknown to the wallet. */
  places(txids: readonly string[]): Promise<readonly ChainPlace[]>
  broadcast(transaction: Uint8Array): Promise<BroadcastOutcome>
  /** Units that 1000 bytes should pay to be in one of the next blocks. */
  feePerKilobyte(): Promise<bigint>
}

export type ChainPlace =
  | { readonly kind: 'mined'; readonly block: ChainBlock; readonly confirmations: number }
  | { readonly kind: 'pending' | 'unknown' }

/** What one transaction pays, an output for each; units. `feeMax` is the most that miners may get. */
export interface PaymentOrder {
  readonly outputs: readonly { readonly destination: string; readonly amount: bigint }[]
  readonly feeMax: bigint
}

/** A coin of the treasury's: `walletId` is whose deposit address it lies at, undefined for change. */
export interface TreasuryCoin extends ChainCoin {
  readonly walletId: string | undefined
}

/** An unsigned or partly signed payment (BIP 174), its fee in units and what it spends. */
export interface PaymentDraft {
  readonly psbt: Uint8Array
  readonly fee: bigint
  readonly inputs: readonly TreasuryCoin[]
}

/** Why no payment can be made of the coins there are. */
export type CannotPay = 'coins_missing' | 'fee_max_too_low' | 'too_many_inputs'

export interface SignedPayment {
  readonly txid: string
  readonly bytes: Uint8Array
}

/** The treasury: its addresses, and payments signed by M of N keys. */
export interface Treasury {
  readonly changeAddress: string
  /** The least that a payment may pay, in units. */
  readonly dust: bigint
  /** The one address of a wallet; it follows from the wallet's id. */
  depositAddress(walletId: string): string
  isAddress(text: string): boolean
  /** Chooses coins and drafts a payment. Throws `ChainUnavailable`. */
  draft(order: PaymentOrder, coins: readonly TreasuryCoin[], feePerKilobyte: bigint): Promise<PaymentDraft | CannotPay>
  /** The same payment of the same coins for another fee; undefined when the coins do not cover it. Throws `ChainUnavailable`. */
  redraft(order: PaymentOrder, inputs: readonly TreasuryCoin[], fee: bigint): Promise<PaymentDraft | undefined>
  /** Adds the signatures of the keys that are here; signing again changes nothing. */
  sign(psbt: Uint8Array): Uint8Array
  /** The transaction to be broadcast; undefined while signatures are missing. */
  finish(psbt: Uint8Array): SignedPayment | undefined
}

/** Withdrawals that are paid together, each by an output of one transaction. Whatever is attempted spends the same coins. */
export interface Payment {
  readonly paymentId: string
  /** In the order of the outputs. */
  readonly withdrawalIds: readonly string[]
  readonly inputs: readonly TreasuryCoin[]
  /** In their order; at least one. */
  readonly attempts: readonly PaymentAttempt[]
  /** Txids of attempts that were withdrawn, as somebody in them was not to be paid: their bytes are gone. */
  readonly withdrawn: readonly string[]
}

/** One transaction for a payment, as it is kept before anybody is told of it. */
export interface PaymentAttempt extends Omit<PaymentDraft, 'inputs'> {
  /** Rises. */
  readonly attempt: number
  /** Of the tip when it was drafted. */
  readonly height: number
  /** Undefined while signatures are missing; never changed once it is there. */
  readonly signed: SignedPayment | undefined
}

/** What the chain's processes must not lose and the log must not hold: whose addresses are whose, and the bytes of payments. Throws what Postgres throws. */
export interface ChainStore {
  /** The address committed to, where it was handed in and not erased. */
  destination(commitment: string): Promise<string | undefined>
  addAddress(walletId: string, address: string): Promise<void>
  /** Ids by address, for those addresses that are wallets'. */
  walletsOf(addresses: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** All addresses given out, a page at a time, in their order. */
  addressesAfter(address: string, limit: number): Promise<readonly string[]>
  /** Block up to which deposits were taken in. */
  place(): Promise<string | undefined>
  /** Undefined: all of them have to be looked at again. */
  setPlace(blockHash: string | undefined): Promise<void>
  /** Of these outpoints (`txid:vout`), those that a payment was drafted to spend. */
  spokenFor(outpoints: readonly string[]): Promise<ReadonlySet<string>>
  /** Payments that these withdrawals are in. */
  payments(withdrawalIds: readonly string[]): Promise<readonly Payment[]>
  /** Payments of which no attempt was recorded for all who are in it. */
  unrecorded(): Promise<readonly Payment[]>
  /** Payments with an attempt that waits for signatures. */
  unsigned(): Promise<readonly Payment[]>
  /** Keeps a new payment, and its inputs from everybody else. Undefined when one of its withdrawals or inputs is in a payment already. */
  keep(payment: Omit<Payment, 'paymentId' | 'withdrawn'>): Promise<Payment | undefined>
  /** Keeps another attempt. False when it is there already. */
  keepAttempt(paymentId: string, attempt: PaymentAttempt): Promise<boolean>
  /** Keeps the signatures that an attempt has by now, if it had those of `before` until now and is not complete. False when it had others. */
  keepSignatures(
    paymentId: string,
    attempt: Pick<PaymentAttempt, 'attempt' | 'psbt' | 'signed'>,
    before: Uint8Array,
  ): Promise<boolean>
  /** Notes that the last attempt was recorded for all: from now on nobody leaves the payment. */
  recorded(paymentId: string): Promise<void>
  /** Forgets the bytes of what was attempted, of which nobody was told, and keeps `next` for those who stay. False when `next` is there already. */
  replace(paymentId: string, withdrawalIds: readonly string[], next: PaymentAttempt): Promise<boolean>
  /** Forgets a payment that never will be made, and gives its inputs back. */
  release(paymentId: string): Promise<void>
}

/** A deposit as the log has it. */
export interface ChainDeposit {
  readonly txid: string
  readonly vout: number
  readonly walletId: string
  readonly credited: boolean
  /** How often it was credited. */
  readonly credits: number
}

export type ChainWithdrawalStatus = 'review' | 'approved' | 'signed' | 'confirmed' | 'rejected' | 'cancelled' | 'failed'

/** A withdrawal as the log has it. */
export interface ChainWithdrawal {
  readonly withdrawalId: string
  readonly walletId: string
  readonly amount: bigint
  readonly feeMax: bigint
  /** Commitment to the address. */
  readonly destination: string
  readonly requestedAt: string
  readonly status: ChainWithdrawalStatus
  /** Txids of the attempts that were recorded. */
  readonly txids: readonly string[]
  /** How often it was confirmed. */
  readonly confirms: number
}

/** Something that the log says a block holds: a deposit (`txid:vout`) or a withdrawal (its id). */
export interface ChainAnchor {
  readonly kind: 'deposit' | 'withdrawal'
  readonly key: string
  readonly walletId: string
  readonly txid: string
  readonly block: ChainBlock
}

/** The to-do list of the chain's processes, a read model (design.md 12). */
export interface ChainWork {
  hasWallet(walletId: string): Promise<boolean>
  /** The longest waiting first. */
  withdrawals(status: ChainWithdrawalStatus, limit: number): Promise<readonly ChainWithdrawal[]>
  withdrawalsById(ids: readonly string[]): Promise<readonly ChainWithdrawal[]>
  /** By `txid:vout`; absent where the log knows none. */
  deposits(keys: readonly string[]): Promise<ReadonlyMap<string, ChainDeposit>>
  /** Credited deposits and confirmed withdrawals, those in the highest blocks first. */
  anchors(limit: number): Promise<readonly ChainAnchor[]>
  /** What the treasury must hold by the ledger: what came in over the chain less what left, fees included. Units. */
  holdings(): Promise<bigint>
  /** Subjects of differences that are open. */
  differences(): Promise<readonly string[]>
}

/** The chain's node cannot be reached, does not answer or will not let us in. Nothing was changed. */
export class ChainUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ChainUnavailable'
  }
}

/** A stream's state as of a revision, with the recent commands' answers: what a fold would come to by reading so far. */
export interface Snapshot {
  readonly stream: string
  readonly revision: number
  /** Of the event at `revision`: a log that holds another there is not the one that was folded. */
  readonly eventId: string
  /** Of the decider that wrote it; others cannot read it. */
  readonly rules: number
  readonly state: Json
  readonly answers: Json
}

/** Where snapshots are kept: disposable, the log comes to the same. Whoever can write here could forge a balance, so it is no place that others share. */
export interface SnapshotStore {
  /** The stream's newest one; undefined when there is none that can be read. Never rejects. */
  find(stream: string): Promise<Snapshot | undefined>
  /** Keeps it in the place of the one before, sooner or later or never. */
  keep(snapshot: Snapshot): void
}

/** What a read model says, and the position in the log up to which it is true. */
export interface ReadAt<Value> {
  readonly value: Value
  readonly position: bigint
}

/** A hold whose next step is due: to be recorded by its escrow, then to be captured; to be released when the escrow expired before. */
export interface HoldItem {
  readonly escrowId: string
  /** The client's wallet. */
  readonly client: string
  readonly step: 'fund' | 'capture' | 'release'
}

/** Money that a wallet has not got yet. */
export interface CreditItem {
  readonly source: CreditSource
  readonly walletId: string
}

/** A state of an escrow whose time is over. */
export interface DeadlineItem {
  readonly escrowId: string
  readonly status: (typeof waitingStatuses)[number]
  readonly dueAt: string
}

/** What is not in the fund yet: contributions behind the last sweep, in the order of the log. */
export interface Unswept {
  /** Index of the last event swept; -1 before the first sweep. */
  readonly sweptToIndex: number
  readonly contributions: readonly Contribution[]
}

/** An airdrop whose next step is due. */
export interface CampaignItem {
  readonly campaignId: string
  readonly step: 'close' | 'publish' | 'release' | 'settle'
  /** Of the list, that are in the log. */
  readonly pages: number
  /** Of payouts, so far. */
  readonly batches: number
}

/** Money on its way from the fund to an airdrop, or back. */
export interface AirdropMoneyItem {
  readonly proposalId: string
  readonly campaignId: string
  readonly step: 'fund' | 'return'
}

/** The to-do list of the settlement process (design.md 12), read models: an item is open until its effect closes it. The oldest come first. */
export interface SettlementList {
  holds(limit: number): Promise<ReadAt<readonly HoldItem[]>>
  credits(limit: number): Promise<ReadAt<readonly CreditItem[]>>
  /** Deadlines not later than `now`. */
  due(now: Date, limit: number): Promise<ReadAt<readonly DeadlineItem[]>>
  /** Those whose step is due at `now`. */
  campaigns(now: Date, limit: number): Promise<ReadAt<readonly CampaignItem[]>>
  airdropMoney(limit: number): Promise<ReadAt<readonly AirdropMoneyItem[]>>
  /** The first `limit` contributions that are not in the fund yet. */
  unsweptContributions(limit: number): Promise<ReadAt<Unswept>>
}

/** What a witness answered to a checkpoint. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly lines: string }
  /** It has cosigned a tree of another size last. */
  | { readonly kind: 'conflict'; readonly size: number }

/** Who cosigns checkpoints of the log. */
export interface Witness {
  readonly key: NoteKey
  /** Hands in the body of an `add-checkpoint`. Resolves in time; throws Error for any other answer, and for none. */
  submit(body: string): Promise<WitnessAnswer>
}
