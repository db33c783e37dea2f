import type { z } from 'zod'
import {
  addEvidenceData,
  deliverResultData,
  escrowDecider,
  grantRefundData,
  noData,
  openDisputeData,
  openEscrowData,
  passDeadlineData,
  releaseEscrowData,
  type SimpleCommand,
  verifyResultData,
  voteOnDisputeData,
} from '../domain/escrow/decider.ts'
import type { EscrowEvent } from '../domain/escrow/events.ts'
import { resultBytes } from '../domain/escrow/result-proof.ts'
import type { EscrowState } from '../domain/escrow/state.ts'
import { type Asked, type CommandHandler, commandHandler, type Given, type Proof, type StreamId } from './command.ts'

/** Who may speak for either side is what their wallets say. */
type Wallets = { readonly client: StreamId<'wallet'> | undefined; readonly provider: StreamId<'wallet'> | undefined }

function walletsOf(sides: { readonly client: string; readonly provider: string } | undefined): Wallets {
  return {
    client: sides && { category: 'wallet', id: sides.client },
    provider: sides && { category: 'wallet', id: sides.provider },
  }
}

/** A changed key must reach every instance within seconds. */
const shared = { category: 'escrow', freshness: 'recent' } as const

interface Definition<Data> {
  readonly data: z.ZodType<Data>
  readonly actor?: () => string
  proof?(asked: Asked<Data>): Proof
  decide(given: Given<Data, Wallets>, state: EscrowState | undefined): readonly EscrowEvent[]
}

/** A command about an escrow that is there, and so knows its wallets. */
function existing<Data>(definition: Definition<Data>): CommandHandler {
  return commandHandler<Data, 'escrow', Wallets>({
    ...shared,
    needs: (_asked, state) => walletsOf(state),
    actor: actorOf,
    ...definition,
  })
}

/** By which side, or in which office, a command was sent. */
function actorOf({ signer, network, facts: { client, provider } }: Given<unknown, Wallets>): string {
  if (signer === client?.state?.owner) return `wallet:${client.state.walletId}`
  if (signer === provider?.state?.owner) return `wallet:${provider.state.walletId}`
  return network.arbiters.members.includes(signer) ? 'arbiter' : 'verifier'
}

function common({ subject, signer, now, network, facts }: Given<unknown, Wallets>) {
  return { escrowId: subject, signer, now, network, parties: { client: facts.client?.state, provider: facts.provider?.state } }
}

export const openEscrow = commandHandler({
  ...shared,
  data: openEscrowData,
  needs: ({ data }) => walletsOf(data),
  actor: ({ data: { client } }) => `wallet:${client}`,
  decide: (given, state) =>
    escrowDecider.decide({ ...given.data, ...common(given), type: 'OpenEscrow', commandId: given.commandId }, state),
})

const simple = (type: SimpleCommand['type']) =>
  existing({
    data: noData,
    decide: (given, state) => escrowDecider.decide({ ...common(given), type }, state),
  })

export const cancelEscrow = simple('CancelEscrow')
export const startEscrow = simple('StartEscrow')
export const declineEscrow = simple('DeclineEscrow')

export const recordFunding = existing({
  data: noData,
  actor: () => 'service:settlement',
  decide: (given, state) => escrowDecider.decide({ ...common(given), type: 'RecordFunding' }, state),
})

export const deliverResult = existing({
  data: deliverResultData,
  proof: ({ networkId, subject, signer, data: { resultHash, signature } }) => ({
    publicKey: signer,
    message: resultBytes({ networkId, escrowId: subject, resultHash }),
    signature,
  }),
  decide: (given, state) =>
    escrowDecider.decide({ ...given.data, ...common(given), type: 'DeliverResult', proven: given.proven }, state),
})

export const verifyResult = existing({
  data: verifyResultData,
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'VerifyResult' }, state),
})

export const releaseEscrow = existing({
  data: releaseEscrowData,
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'ReleaseEscrow' }, state),
})

export const grantRefund = existing({
  data: grantRefundData,
  decide: (given, state) =>
    escrowDecider.decide({ ...given.data, ...common(given), type: 'GrantRefund', commandId: given.commandId }, state),
})

export const openDispute = existing({
  data: openDisputeData,
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'OpenDispute' }, state),
})

export const addEvidence = existing({
  data: addEvidenceData,
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'AddEvidence' }, state),
})

export const voteOnDispute = existing({
  data: voteOnDisputeData,
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'VoteOnDispute' }, state),
})

export const passDeadline = existing({
  data: passDeadlineData,
  actor: () => 'service:settlement',
  decide: (given, state) => escrowDecider.decide({ ...given.data, ...common(given), type: 'PassDeadline' }, state),
})
