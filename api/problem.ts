import { StreamBusy } from '../commands/lanes.ts'
import { AppendOutcomeUnknown, ChainUnavailable, LogDiverged, StoreUnavailable } from '../commands/ports.ts'
import { DomainError, type RefusalCode, type RefusalDetails } from '../domain/errors.ts'
import { ReadModelUnavailable } from '../projections/read.ts'
import { JsonFault } from './json.ts'

/** What the API itself can refuse or fail at, beside the refusals of commands. */
type ApiCode =
  | 'BodyMalformed'
  | 'BodyInvalid'
  | 'RequestMalformed'
  | 'ParameterInvalid'
  | 'CursorInvalid'
  | 'CursorExpired'
  | 'CommandNotForThisRoute'
  | 'CommandsTooMany'
  | 'RouteUnknown'
  | 'NetworkUnknown'
  | 'CheckpointUnknown'
  | 'SizeUnknown'
  | 'TileUnknown'
  | 'NodeUnknown'
  | 'AccountUnknown'
  | 'CommandUnknown'
  | 'ProblemUnknown'
  | 'MethodNotAllowed'
  | 'NotAcceptable'
  | 'RequestTimeout'
  | 'BodyTooLarge'
  | 'UrlTooLong'
  | 'MediaTypeUnsupported'
  | 'ExpectationFailed'
  | 'HeadersTooLarge'
  | 'InternalError'
  | 'Overloaded'
  | 'ReadModelBehind'
  | 'AsOfUnavailable'
  | 'ReadModelBuilding'
  | 'ReadModelUnavailable'
  | 'EventStoreUnavailable'
  | 'CommandOutcomeUnknown'
  | 'AuthorizationRequired'
  | 'PrivateStoreUnavailable'
  | 'ChainUnavailable'

export type ProblemCode = RefusalCode | ApiCode

export interface ProblemKind {
  readonly status: number
  readonly title: string
  /** What it means and what to do, for the page behind `type`; the `detail` where an occurrence says nothing of its own. */
  readonly about: string
  /** Seconds for Retry-After, where trying again helps and the details don't say when. */
  readonly retryAfterSeconds?: number
}

/** The one table from code to HTTP. */
export const problems: Readonly<Record<ProblemCode, ProblemKind>> = {
  CommandMalformed: {
    status: 400,
    title: 'The command is malformed',
    about:
      "A field of the envelope or of the command's data has the wrong type, is missing, out of range or unknown; `field` names it.",
  },
  CommandUnknownType: {
    status: 400,
    title: 'There is no such command',
    about: "The command's `type` is none that this version of DuxNet takes. The OpenAPI document lists them.",
  },
  CommandTooLarge: {
    status: 413,
    title: 'The command is too large',
    about: 'The RFC 8785 text of `command` is longer than the log takes; `bytesMax` is the most.',
  },
  SignatureInvalid: {
    status: 403,
    title: 'The signature is not valid',
    about:
      "The signature is not the public key's Ed25519 signature over `duxnet-command-v1`, a line feed and the RFC 8785 text of `command`. Malleated signatures (S not below the group order) and small-order keys count as invalid.",
  },
  AudienceMismatch: {
    status: 422,
    title: 'The command is for another network',
    about: "`audience` must be this network's id, which `GET /v1/network` tells.",
  },
  CommandIdReused: {
    status: 409,
    title: 'The command id was used for another command',
    about:
      'A command with this id and other contents happened before. A new command needs a new id; only a repetition keeps its own.',
  },
  CommandStale: {
    status: 422,
    title: 'The command is too old',
    about:
      "`issuedAt` lies more than five minutes behind the server's clock. `GET /v1/commands/{id}` says whether it happened; if it did not, sign it anew.",
  },
  CommandFromTheFuture: {
    status: 422,
    title: 'The command is from the future',
    about: "`issuedAt` lies more than five minutes ahead of the server's clock. Correct the clock and sign anew.",
  },
  SignerNotAllowed: {
    status: 403,
    title: 'This key may not do that',
    about:
      "A node speaks only for itself and a wallet's owner for the wallet, each with its present key; other commands need the key of an office: the authority, a steward, an arbiter, a verifier, a service. `needed` says which.",
  },
  RequestsTooMany: {
    status: 429,
    title: 'Too many signed requests of this key',
    about: 'A key may have `requestsMax` requests that are no commands done in a minute; `retryAfterSeconds` says when to go on.',
    retryAfterSeconds: 60,
  },
  DisclosureUnknown: {
    status: 404,
    title: 'There is no such disclosure for this key',
    about:
      'Nothing was handed in under this commitment, or this key may not see it. It can be read by whoever handed it in, by whom that one named, by the authority and by the service keys.',
  },
  DisclosureErased: {
    status: 410,
    title: 'The disclosure was erased',
    about: 'Whoever handed it in, or the authority, has had it erased at `erasedAt`. The commitment in the log stays as it is.',
  },
  DisclosureQuotaExceeded: {
    status: 403,
    title: 'This key has handed in as much as it may',
    about: 'A key may have `countMax` disclosures and `bytesMax` bytes here at once. Erasing some makes room.',
  },
  WebhookUnknown: {
    status: 404,
    title: 'This key has no such webhook',
    about: 'A webhook is known only to the key that set it up, which signs every request about it.',
  },
  WebhookUrlRefused: {
    status: 422,
    title: 'Nothing can be sent to this address',
    about: 'A webhook needs an https address that is public, without user, password and fragment; `reason` says what is wrong.',
  },
  WebhookQuotaExceeded: {
    status: 403,
    title: 'There are as many webhooks or secrets as there may be',
    about:
      'A key may have `webhooksMax` webhooks, and a webhook `secretsMax` secrets in force: a former one ends a day after its successor came.',
  },
  WebhookDisabled: {
    status: 409,
    title: 'The webhook is disabled',
    about: 'Nothing is sent until `EnableWebhook`; `disabled` says who or what disabled it.',
  },
  WebhookMessageUnknown: {
    status: 404,
    title: 'The webhook has no such message',
    about:
      'No message of this id was tried, or it was so long ago that it is forgotten. `fromIndex` replays events from any place in the log.',
  },
  NetworkAlreadyFounded: {
    status: 409,
    title: 'The network is founded',
    about: 'A network is founded once, by the first event of its log.',
  },
  NodeNotRegistered: {
    status: 404,
    title: 'No such node is registered',
    about: "The command's subject was never registered on this network.",
  },
  NodeAlreadyRegistered: {
    status: 409,
    title: 'The node is registered already',
    about:
      'It is registered with another profile; `UpdateNode` changes it. Registering with the same profile again is answered `unchanged`.',
  },
  NodeDeregistered: {
    status: 409,
    title: 'The node has left',
    about: 'A deregistered node stays so; a machine that comes back registers with a new key.',
  },
  NodeIdMismatch: {
    status: 422,
    title: "The node's id is not that of its key",
    about:
      "A node's id is base32, in lower case, of the first 20 bytes of SHA-256 of its first public key; `expected` is the one of the key that signed.",
  },
  NodeKeyProofInvalid: {
    status: 422,
    title: 'The new key is not proven',
    about:
      "`data.proof` must be the new key's signature over `duxnet-node-key-v1`, a line feed and the RFC 8785 text of {networkId, nodeId, publicKey, commandId}.",
  },
  HeartbeatTooEarly: {
    status: 429,
    title: 'The heartbeat came too early',
    about:
      'A node may send one heartbeat an interval, with a small burst after a pause. Retry-After and `retryAfterSeconds` say when the next is taken, `serverTime` is the clock that counts.',
    retryAfterSeconds: 60,
  },
  HeartbeatOutOfOrder: {
    status: 409,
    title: 'A newer heartbeat was taken already',
    about: "A heartbeat's `issuedAt` must be later than that of the node's last one, `lastIssuedAt`.",
  },
  ReputationRuleUnknown: {
    status: 422,
    title: 'The policy has no such reputation rule',
    about: '`GET /v1/network` lists the rules of the policy in force; `custom` takes a delta and a reason instead.',
  },
  WalletUnknown: {
    status: 404,
    title: 'There is no such wallet',
    about:
      'No wallet of the id `walletId` was opened on this network, as far as the answer looked; on a query `after` waits for it.',
  },
  WalletAlreadyOpen: {
    status: 409,
    title: 'The wallet is open already',
    about: 'A wallet is opened once; its id is the id of the command that opened it.',
  },
  WalletKeyProofInvalid: {
    status: 422,
    title: 'The new key is not proven',
    about:
      "`data.proof` must be the new key's signature over `duxnet-wallet-key-v1`, a line feed and the RFC 8785 text of {networkId, walletId, publicKey, commandId}.",
  },
  WalletFrozen: {
    status: 409,
    title: 'The wallet is frozen',
    about:
      'The chain took a deposit back after it was spent. The wallet owes `shortfall`; what comes in repays it, and nothing goes out until it is repaid.',
  },
  FundsInsufficient: {
    status: 409,
    title: 'There is not enough money available',
    about: 'Available is what is posted less what is held. `available` is what there is, `needed` what the command takes.',
  },
  TestMoneyRefused: {
    status: 403,
    title: 'This network takes no test money',
    about: 'Only a network of the kind `test` issues money of its own; on a main network it comes over the chain.',
  },
  DepositUnconfirmed: {
    status: 409,
    title: 'The deposit is not deep enough in the chain',
    about: 'It counts after `confirmationsMin` blocks and has `confirmations`.',
  },
  DepositUnknown: {
    status: 404,
    title: 'There is no such deposit',
    about: 'No wallet was ever credited for it, as far as the answer looked; on a query `after` waits for it.',
  },
  HoldUnknown: {
    status: 409,
    title: 'There is no such hold',
    about: 'The wallet holds nothing for this escrow.',
  },
  CreditNotOwed: {
    status: 409,
    title: 'Nothing is owed',
    about: 'The source of the credit, as its own stream stands, owes this wallet nothing.',
  },
  WithdrawalUnknown: {
    status: 404,
    title: 'There is no such withdrawal',
    about: 'Nobody asked for a withdrawal of this id, as far as the answer looked; on a query `after` waits for it.',
  },
  WithdrawalTransactionUnknown: {
    status: 409,
    title: 'The transaction is none of this withdrawal',
    about: 'A withdrawal is settled by a transaction that was recorded for it before it was broadcast.',
  },
  WithdrawalNotInStatus: {
    status: 409,
    title: 'The withdrawal is not in that state',
    about: '`state` is what it is in, `needed` what the command takes it from.',
  },
  EscrowUnknown: {
    status: 404,
    title: 'There is no such escrow',
    about:
      'No escrow of the id `escrowId` was opened on this network, as far as the answer looked; on a query `after` waits for it.',
  },
  EscrowAlreadyOpen: {
    status: 409,
    title: 'The escrow is open already',
    about: 'An escrow is opened once; its id is the id of the command that opened it.',
  },
  EscrowNotInStatus: {
    status: 409,
    title: 'The escrow is not in that state',
    about:
      '`state` is what it is in, `needed` what the command takes it from. released, refunded, resolved and expired are for ever.',
  },
  EscrowNotCaptured: {
    status: 409,
    title: 'The money is still on its way into the escrow',
    about:
      "It is spoken for and moves by itself from the client's wallet, which takes a moment. Nothing is started or paid back before.",
    retryAfterSeconds: 1,
  },
  DeadlineNotReached: {
    status: 409,
    title: 'The time is not over',
    about: 'The state that the escrow is in lasts until `dueAt`.',
  },
  DeadlinePassed: {
    status: 409,
    title: 'The time is over',
    about: 'The state that the escrow is in ended at `dueAt`; what follows happens by itself.',
  },
  ResultSignatureInvalid: {
    status: 422,
    title: 'The result is not signed by the provider',
    about:
      "`data.signature` must be the provider's signature over `duxnet-result-v1`, a line feed and the RFC 8785 text of {networkId, escrowId, resultHash}.",
  },
  ResultAlreadyVerified: {
    status: 409,
    title: 'The result was judged already',
    about: 'A verdict stays. Whoever disagrees opens a dispute.',
  },
  ResultMismatch: {
    status: 409,
    title: 'That is not the result that was delivered',
    about: '`delivered` is the hash of the one that was.',
  },
  ResultNotVerified: {
    status: 409,
    title: 'The result is not verified',
    about: "The escrow's verifier has not found the result valid, and only a valid one is released.",
  },
  NoArbiters: {
    status: 409,
    title: 'The network has no arbiters',
    about: 'A dispute needs somebody to decide it. Without arbiters only deadlines and agreement settle an escrow.',
  },
  EvidenceTooMuch: {
    status: 409,
    title: 'You have brought as much evidence as you can',
    about: '`evidenceMax` pieces of evidence are the most that one side can bring to a dispute.',
  },
  RefundsTooMany: {
    status: 409,
    title: 'The provider has granted as many refunds as it can',
    about: '`refundsMax` partial refunds are the most. `DeclineEscrow` gives back all that is left.',
  },
  SweepOutOfOrder: {
    status: 409,
    title: 'The sweep does not follow the last one',
    about: 'Contributions are swept once, in the order of the log; `sweptToIndex` is how far the fund has come.',
  },
  ProposalUnknown: {
    status: 404,
    title: 'There is no such proposal',
    about:
      'The community fund knows no proposal of the id `proposalId`, as far as the answer looked; on a query `after` waits for it.',
  },
  ProposalNotInStatus: {
    status: 409,
    title: 'The proposal is not in that state',
    about: '`state` is what it is in, `needed` what the command takes it from.',
  },
  ProposalExpired: {
    status: 409,
    title: 'The proposal has expired',
    about: 'It could be approved until `expiresAt`.',
  },
  FundInsufficient: {
    status: 409,
    title: 'The fund does not have that much yet',
    about:
      'Spending is decided on swept money only. `balance` is what was swept and not spent, `needed` what the proposal takes. The approval was not counted and can be sent again.',
  },

  ProofAlreadyCounted: {
    status: 409,
    title: 'The proof was counted otherwise',
    about: 'A proof of computation counts once; `units` is what it was counted with.',
  },
  SybilSignalUnknown: { status: 404, title: 'There is no such signal', about: 'The node has no signal of this id.' },
  CampaignUnknown: { status: 404, title: 'There is no such airdrop', about: 'No campaign was announced under this id.' },
  CampaignAlreadyAnnounced: {
    status: 409,
    title: 'The airdrop was announced already',
    about: 'A campaign has the id of the command that announces it.',
  },
  CampaignNotInStatus: {
    status: 409,
    title: 'The airdrop is not in that state',
    about: '`state` is what it is in, `needed` what it would have to be in.',
  },
  CampaignBudgetExceeded: {
    status: 409,
    title: 'The airdrop does not have that much',
    about: '`left` is what it can still give. A vote that would give more is not counted.',
  },
  CampaignNotSettled: {
    status: 409,
    title: 'The airdrop still owes',
    about: 'Appeals are open, or payouts are not on their way.',
  },
  AllotmentsOutOfOrder: {
    status: 409,
    title: 'Pages of the list are missing',
    about: 'Pages come one after the other; `pages` are there.',
  },
  PayoutsOutOfOrder: { status: 409, title: 'Batches are missing', about: 'Batches come one after the other; `batches` are there.' },
  NothingAllotted: { status: 404, title: 'The node was allotted nothing', about: 'It is not on the list of this airdrop.' },
  AllotmentAlreadyClaimed: {
    status: 409,
    title: 'It was claimed for another wallet',
    about: 'A node claims what it was allotted once, for one wallet.',
  },
  AppealAlreadyFiled: { status: 409, title: 'The node has appealed already', about: 'A node appeals once in each airdrop.' },
  AppealUnknown: { status: 404, title: 'There is no such appeal', about: 'The node has not appealed in this airdrop.' },
  AppealAnswered: { status: 409, title: 'The appeal was answered', about: '`award` is what it came to.' },

  AsOfUnavailable: {
    status: 422,
    title: 'This cannot be answered as of then',
    about:
      'What was is answered from the events that touch a thing, or from histories that keep every line. Lists of what changes, and sums over them, are answered as they stand only; `duxnet replay EXPORT --to INDEX` makes all of them as of any event.',
  },

  BodyMalformed: {
    status: 400,
    title: 'The body is not JSON',
    about:
      'The body must be one JSON value in UTF-8 in which no object gives a name twice; `line`, `column` and `offset` (in characters) point at the place.',
  },
  BodyInvalid: {
    status: 400,
    title: 'The body has the wrong shape',
    about: '`field` names what is missing, unknown, of the wrong type or out of range.',
  },
  RequestMalformed: {
    status: 400,
    title: 'The request is not HTTP',
    about: "The request line, a header or the path's encoding cannot be read.",
  },
  ParameterInvalid: {
    status: 400,
    title: 'A parameter is not valid',
    about: '`parameter` is unknown to this address, given twice, or has a value that it cannot have.',
  },
  CursorInvalid: {
    status: 400,
    title: 'The cursor is not one of this query',
    about: 'A cursor is taken from `next` as it is and goes with the same filters and the same sort as the page it came from.',
  },
  CursorExpired: {
    status: 410,
    title: 'The cursor has expired',
    about: 'The read model was rebuilt since the page that the cursor came from. Begin again without a cursor.',
  },
  CommandNotForThisRoute: {
    status: 400,
    title: 'The command does not belong to this address',
    about: 'An alias takes one type of command, about what its path names; `field` is what differs. `POST /v1/commands` takes any.',
  },
  AuthorizationRequired: {
    status: 401,
    title: 'It must be known who reads',
    about:
      'The Authorization header must be `DuxNet` and, in base64url, the JSON of an envelope of the type `AuthorizeReads`, signed within the last minutes by the key that reads.',
  },
  CommandsTooMany: {
    status: 429,
    title: 'Too many commands',
    about:
      'A key may have `perMinute` commands accepted in a minute, and an address as many wallets and nodes opened as `perMinute` says where `by` is `address`. Heartbeats have a limit of their own. Nothing was looked at; `retryAfterSeconds` says when the next is taken.',
    retryAfterSeconds: 1,
  },
  RouteUnknown: {
    status: 404,
    title: 'There is nothing at this address',
    about: 'The OpenAPI document at /openapi.json lists every address.',
  },
  NetworkUnknown: {
    status: 404,
    title: 'The network is not founded yet',
    about: 'As far as the read model has come, the log holds no network.',
  },
  CheckpointUnknown: {
    status: 404,
    title: 'There is no signed checkpoint here',
    about: "Only an instance that has the network's key `log` signs checkpoints, and it has signed none yet if this is one.",
  },
  SizeUnknown: {
    status: 404,
    title: 'The log is not that long',
    about: 'It has `size` events, as far as the read model has come; `after` waits for more.',
  },
  TileUnknown: {
    status: 404,
    title: 'There is no such tile',
    about: 'Its address is not one of C2SP tlog-tiles, or the log is not long enough for it.',
  },
  NodeUnknown: {
    status: 404,
    title: 'There is no such node',
    about: 'No node of this id has been registered, as far as the read model has come; `after` waits for it.',
  },
  AccountUnknown: {
    status: 404,
    title: 'There is no such account',
    about: 'Nothing was ever booked on the account `account`, as far as the read model has come; `after` waits for it.',
  },
  CommandUnknown: {
    status: 404,
    title: 'No such command has happened',
    about:
      'No event of a command of this id is in the log, as far as the read model has come; `after` waits for it. Refused commands and those that changed nothing leave no trace.',
  },
  ProblemUnknown: { status: 404, title: 'There is no such problem', about: '/problems lists them all.' },
  MethodNotAllowed: { status: 405, title: 'The method is not allowed here', about: 'The Allow header lists those that are.' },
  NotAcceptable: {
    status: 406,
    title: 'Only JSON is to be had here',
    about: 'The Accept header excludes application/json, in which this address answers.',
  },
  RequestTimeout: {
    status: 408,
    title: 'The request took too long to arrive',
    about: "Headers and body must arrive within the server's limits.",
  },
  BodyTooLarge: { status: 413, title: 'The body is too large', about: '`bytesMax` is the most that this address takes.' },
  UrlTooLong: {
    status: 414,
    title: 'The address is too long',
    about: '`charactersMax` is the longest path and query that the server takes.',
  },
  MediaTypeUnsupported: {
    status: 415,
    title: "The body's media type is not supported",
    about: 'The body must be application/json, in UTF-8 and not compressed.',
  },
  ExpectationFailed: {
    status: 417,
    title: 'The expectation cannot be met',
    about: 'Of the Expect header only 100-continue is known.',
  },
  HeadersTooLarge: {
    status: 431,
    title: 'The headers are too large',
    about: "The request line and headers together exceed the server's limit.",
  },
  InternalError: {
    status: 500,
    title: 'Something went wrong here',
    about: 'The fault is logged under `traceId`. Sending a command again is always safe.',
  },
  Overloaded: {
    status: 503,
    title: 'Too much is asked at once',
    about: 'As many requests as the server takes at once are in work; this one was refused before anything was done.',
    retryAfterSeconds: 1,
  },
  ReadModelBehind: {
    status: 503,
    title: 'The read model has not come that far',
    about: 'Within two seconds the read model did not reach the position of `after`; `reached` is how far it came.',
    retryAfterSeconds: 1,
  },
  ReadModelBuilding: {
    status: 503,
    title: 'The read model is being built',
    about: 'A new read model is folded from the whole log before it serves; `projection` says which.',
    retryAfterSeconds: 5,
  },
  ReadModelUnavailable: {
    status: 503,
    title: 'The read model cannot be reached',
    about: 'Postgres does not answer, or not in time. Commands are taken all the same.',
    retryAfterSeconds: 2,
  },
  PrivateStoreUnavailable: {
    status: 503,
    title: 'The private store cannot be reached',
    about:
      'Postgres does not answer, or not in time, or this instance does not serve it. Send the very same request again: it is done once at most.',
    retryAfterSeconds: 2,
  },
  ChainUnavailable: {
    status: 503,
    title: 'The chain cannot be reached',
    about: 'The Flopcoin node does not answer, or this instance has none. Try again later.',
    retryAfterSeconds: 10,
  },
  EventStoreUnavailable: {
    status: 503,
    title: 'The event store cannot be reached',
    about: 'Nothing was written. Queries are answered all the same.',
    retryAfterSeconds: 2,
  },
  CommandOutcomeUnknown: {
    status: 503,
    title: 'The command may have happened',
    about:
      'The connection to the event store broke before it answered. Send the very same command again, under the same id: it happens once at most and the answer says which. `GET /v1/commands/{id}` tells too.',
    retryAfterSeconds: 1,
  },
}

/** A refusal or failure of the API's own. */
export class ApiProblem extends Error {
  readonly code: ProblemCode
  readonly details: RefusalDetails
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: ProblemCode,
    details: RefusalDetails = {},
    headers: Readonly<Record<string, string>> = {},
    options?: ErrorOptions,
  ) {
    super(`${code} ${JSON.stringify(details)}`, options)
    this.name = 'ApiProblem'
    this.code = code
    this.details = details
    this.headers = headers
  }
}

/** An RFC 9457 problem, ready to be sent. */
export interface Problem {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: {
    readonly type: string
    readonly title: string
    readonly status: number
    readonly detail: string
    readonly code: ProblemCode
    readonly traceId: string
    readonly [member: string]: string | number | boolean | null
  }
}

/** Where a problem is explained; stable for ever, as the code is. */
export function problemPath(code: ProblemCode): string {
  return `/problems/${code.replaceAll(/(?<=.)[A-Z]/g, '-$&').toLowerCase()}`
}

/** What `error` is to the one who asked. An error that nobody foresaw tells nothing but `traceId`. */
export function problemOf(error: unknown, traceId: string): Problem {
  const { code, details, headers = {} } = refusalOf(error)
  const { status, title, about, retryAfterSeconds } = problems[code]
  const retryAfter = details.retryAfterSeconds ?? retryAfterSeconds
  const standard = { type: problemPath(code), title, status, detail: detailOf(details) ?? about, code, traceId }
  return {
    status,
    headers: retryAfter === undefined ? headers : { ...headers, 'retry-after': String(retryAfter) },
    // Twice, so that it stands first and no detail can take its place.
    body: { ...standard, ...details, ...standard },
  }
}

interface Refusal {
  readonly code: ProblemCode
  readonly details: RefusalDetails
  readonly headers?: Readonly<Record<string, string>>
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof ApiProblem) return error
  if (error instanceof DomainError) return error
  if (error instanceof JsonFault) {
    const { reason, offset, line, column } = error
    return { code: 'BodyMalformed', details: { reason, offset, line, column } }
  }
  if (error instanceof StreamBusy) return { code: 'Overloaded', details: {} }
  if (error instanceof ReadModelUnavailable) return { code: 'ReadModelBuilding', details: { projection: error.projection } }
  // A log that is not the one we know takes no command until somebody has looked at it.
  if (error instanceof ChainUnavailable) return { code: 'ChainUnavailable', details: {} }
  if (error instanceof StoreUnavailable || error instanceof LogDiverged) return { code: 'EventStoreUnavailable', details: {} }
  if (error instanceof AppendOutcomeUnknown) return { code: 'CommandOutcomeUnknown', details: {} }
  return { code: 'InternalError', details: {} }
}

/** `data.vitals.cores must be at least 1`, where the details say that much. */
function detailOf({ field, parameter, reason }: RefusalDetails): string | undefined {
  if (typeof reason !== 'string') return undefined
  const place = field ?? parameter
  return place ? `${place} ${reason}` : reason
}
