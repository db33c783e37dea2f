import type { z } from 'zod'
import type { AirdropCommand } from '../domain/airdrop/decider.ts'
import type { AttestationCommand } from '../domain/attestation/decider.ts'
import type { AuditCommand } from '../domain/audit/decider.ts'
import type { EscrowCommand } from '../domain/escrow/decider.ts'
import type { FundCommand } from '../domain/fund/decider.ts'
import type { HealthCommand } from '../domain/health/decider.ts'
import type { HeartbeatCommand } from '../domain/heartbeat/decider.ts'
import type { NetworkCommand } from '../domain/network/decider.ts'
import type { NodeCommand } from '../domain/node/decider.ts'
import type { ReputationCommand } from '../domain/reputation/decider.ts'
import type { WalletCommand } from '../domain/wallet/decider.ts'
import * as airdrop from './airdrop.ts'
import * as attestation from './attestation.ts'
import * as audit from './audit.ts'
import type { CommandHandler } from './command.ts'
import * as escrow from './escrow.ts'
import * as fund from './fund.ts'
import { changeHealth } from './health.ts'
import { recordHeartbeat } from './heartbeat.ts'
import { changeQuorum, changeServiceKey } from './network-changes.ts'
import { changeNodeKey, deregisterNode, registerNode, updateNode } from './node.ts'
import { changeReputation } from './reputation.ts'
import * as wallet from './wallet.ts'

type DomainCommand =
  | NetworkCommand
  | NodeCommand
  | HeartbeatCommand
  | HealthCommand
  | ReputationCommand
  | WalletCommand
  | EscrowCommand
  | FundCommand
  | AuditCommand
  | AttestationCommand
  | AirdropCommand

/** Every command that a decider knows but genesis, which comes before there is anybody to ask. One without a handler does not compile. */
export type CommandType = Exclude<DomainCommand['type'], 'FoundNetwork'>

/** Everything that `POST /v1/commands` takes, by type; `data` is the schema of the command's data. */
export const commandHandlers = {
  ChangeServiceKey: changeServiceKey,
  ChangeQuorum: changeQuorum,
  RegisterNode: registerNode,
  UpdateNode: updateNode,
  ChangeNodeKey: changeNodeKey,
  DeregisterNode: deregisterNode,
  RecordHeartbeat: recordHeartbeat,
  ChangeHealth: changeHealth,
  ChangeReputation: changeReputation,
  OpenWallet: wallet.openWallet,
  ChangeWalletKey: wallet.changeWalletKey,
  ChangeStandingOrder: wallet.changeStandingOrder,
  IssueTestDeposit: wallet.issueTestDeposit,
  CreditDeposit: wallet.creditDeposit,
  ReverseDeposit: wallet.reverseDeposit,
  PlaceHold: wallet.placeHold,
  CaptureHold: wallet.captureHold,
  ReleaseHold: wallet.releaseHold,
  Transfer: wallet.transfer,
  PostCredit: wallet.postCredit,
  RequestWithdrawal: wallet.requestWithdrawal,
  ReviewWithdrawal: wallet.reviewWithdrawal,
  CancelWithdrawal: wallet.cancelWithdrawal,
  RecordWithdrawalTransaction: wallet.recordWithdrawalTransaction,
  ConfirmWithdrawal: wallet.confirmWithdrawal,
  UnconfirmWithdrawal: wallet.unconfirmWithdrawal,
  FailWithdrawal: wallet.failWithdrawal,
  OpenEscrow: escrow.openEscrow,
  CancelEscrow: escrow.cancelEscrow,
  StartEscrow: escrow.startEscrow,
  DeclineEscrow: escrow.declineEscrow,
  RecordFunding: escrow.recordFunding,
  DeliverResult: escrow.deliverResult,
  VerifyResult: escrow.verifyResult,
  ReleaseEscrow: escrow.releaseEscrow,
  GrantRefund: escrow.grantRefund,
  OpenDispute: escrow.openDispute,
  AddEvidence: escrow.addEvidence,
  VoteOnDispute: escrow.voteOnDispute,
  PassDeadline: escrow.passDeadline,
  SweepContributions: fund.sweepContributions,
  ProposeSpending: fund.proposeSpending,
  ApproveSpending: fund.approveSpending,
  WithdrawProposal: fund.withdrawProposal,
  RecordReturn: fund.recordReturn,
  ProveComputation: attestation.proveComputation,
  RaiseSybilSignal: attestation.raiseSybilSignal,
  WithdrawSybilSignal: attestation.withdrawSybilSignal,
  AnnounceCampaign: airdrop.announceCampaign,
  CancelCampaign: airdrop.cancelCampaign,
  RecordCampaignFunding: airdrop.recordCampaignFunding,
  CloseWindow: airdrop.closeWindow,
  ListAllotments: airdrop.listAllotments,
  PublishAllotments: airdrop.publishAllotments,
  ClaimAllotment: airdrop.claimAllotment,
  FileAppeal: airdrop.fileAppeal,
  VoteOnAppeal: airdrop.voteOnAppeal,
  ReleasePayouts: airdrop.releasePayouts,
  SettleCampaign: airdrop.settleCampaign,
  OpenDifference: audit.openDifference,
  CloseDifference: audit.closeDifference,
  RecordDigests: audit.recordDigests,
} satisfies Readonly<Record<CommandType, CommandHandler>>

/** What a command of a type holds as its `data`. */
export type CommandData<Type extends CommandType> = z.output<(typeof commandHandlers)[Type]['data']>

/** The handler of a command type; undefined for a type that nobody knows. */
export function handlerOf(type: string): CommandHandler | undefined {
  return Object.hasOwn(commandHandlers, type) ? commandHandlers[type as CommandType] : undefined
}
