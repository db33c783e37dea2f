/**
 * Every reason for which a command can be refused. `api/problem.ts` maps each to a status and a text, and the
 * compiler names what is missing there. A code is API: once released it is never renamed.
 */
export type RefusalCode =
  // the envelope
  | 'CommandMalformed'
  | 'CommandUnknownType'
  | 'CommandTooLarge'
  | 'SignatureInvalid'
  | 'AudienceMismatch'
  | 'CommandIdReused'
  | 'CommandStale'
  | 'CommandFromTheFuture'
  | 'SignerNotAllowed'
  // signed requests that are no commands
  | 'RequestsTooMany'
  | 'DisclosureUnknown'
  | 'DisclosureErased'
  | 'DisclosureQuotaExceeded'
  | 'WebhookUnknown'
  | 'WebhookUrlRefused'
  | 'WebhookQuotaExceeded'
  | 'WebhookDisabled'
  | 'WebhookMessageUnknown'
  // network
  | 'NetworkAlreadyFounded'
  // node
  | 'NodeNotRegistered'
  | 'NodeAlreadyRegistered'
  | 'NodeDeregistered'
  | 'NodeIdMismatch'
  | 'NodeKeyProofInvalid'
  // heartbeat
  | 'HeartbeatTooEarly'
  | 'HeartbeatOutOfOrder'
  // reputation
  | 'ReputationRuleUnknown'
  // wallet
  | 'WalletUnknown'
  | 'WalletAlreadyOpen'
  | 'WalletKeyProofInvalid'
  | 'WalletFrozen'
  | 'FundsInsufficient'
  | 'TestMoneyRefused'
  | 'DepositUnconfirmed'
  | 'DepositUnknown'
  | 'HoldUnknown'
  | 'CreditNotOwed'
  | 'WithdrawalUnknown'
  | 'WithdrawalTransactionUnknown'
  | 'WithdrawalNotInStatus'
  // escrow
  | 'EscrowUnknown'
  | 'EscrowAlreadyOpen'
  | 'EscrowNotInStatus'
  | 'EscrowNotCaptured'
  | 'DeadlineNotReached'
  | 'DeadlinePassed'
  | 'ResultSignatureInvalid'
  | 'ResultAlreadyVerified'
  | 'ResultMismatch'
  | 'ResultNotVerified'
  | 'NoArbiters'
  | 'EvidenceTooMuch'
  | 'RefundsTooMany'
  // fund
  | 'SweepOutOfOrder'
  | 'ProposalUnknown'
  | 'ProposalNotInStatus'
  | 'ProposalExpired'
  | 'FundInsufficient'
  // attestation
  | 'ProofAlreadyCounted'
  | 'SybilSignalUnknown'
  // airdrop
  | 'CampaignUnknown'
  | 'CampaignAlreadyAnnounced'
  | 'CampaignNotInStatus'
  | 'CampaignBudgetExceeded'
  | 'CampaignNotSettled'
  | 'AllotmentsOutOfOrder'
  | 'PayoutsOutOfOrder'
  | 'NothingAllotted'
  | 'AllotmentAlreadyClaimed'
  | 'AppealAlreadyFiled'
  | 'AppealUnknown'
  | 'AppealAnswered'

/** What a refusal can tell: flat, JSON-safe facts such as `{ field, limit, retryAfterSeconds }`. */
export type RefusalDetails = Readonly<Record<string, string | number | boolean | null>>

/** A command was understood and refused; nothing was appended. */
export class DomainError extends Error {
  readonly code: RefusalCode
  readonly details: RefusalDetails

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    super(`${code} ${JSON.stringify(details)}`)
    this.name = 'DomainError'
    this.code = code
    this.details = details
  }
}

/** The refusal of a command whose form is right but whose `field`, a path in the envelope such as `command.data.vitals.cores`, cannot be. */
export function malformed(field: string, reason: string): DomainError {
  return new DomainError('CommandMalformed', { field, reason })
}
