import { fundId } from '../domain/fund/decider.ts'
import { serviceKey } from '../domain/network/offices.ts'
import { moneyPolicy } from '../domain/network/policy.ts'
import {
  changeWalletKeyData,
  creditDepositData,
  holdData,
  issueTestDepositData,
  openWalletData,
  owedTo,
  postCreditData,
  reverseDepositData,
  transferData,
  walletDecider,
} from '../domain/wallet/decider.ts'
import type { CreditSource } from '../domain/wallet/events.ts'
import { walletKeyProofBytes } from '../domain/wallet/key-proof.ts'
import {
  cancelWithdrawalData,
  changeStandingOrderData,
  confirmWithdrawalData,
  failWithdrawalData,
  recordWithdrawalTransactionData,
  requestWithdrawalData,
  reviewWithdrawalData,
  unconfirmWithdrawalData,
} from '../domain/wallet/withdrawals.ts'
import { type Asked, commandHandler, type StreamId } from './command.ts'

const owner = ({ subject }: Pick<Asked, 'subject'>) => `wallet:${subject}`
const wallet = (id: string) => ({ category: 'wallet', id }) as const
const escrow = (id: string) => ({ category: 'escrow', id }) as const

/** A changed key must reach every instance within seconds. */
const shared = { category: 'wallet', freshness: 'recent' } as const
const settlement = { ...shared, actor: () => 'service:settlement' }
const chain = { ...shared, actor: () => 'service:chain' }

export const openWallet = commandHandler({
  ...shared,
  data: openWalletData,
  actor: owner,
  decide: ({ subject, commandId, signer }, state) =>
    walletDecider.decide({ type: 'OpenWallet', walletId: subject, commandId, signer }, state),
})

export const changeWalletKey = commandHandler({
  ...shared,
  data: changeWalletKeyData,
  actor: owner,
  proof: ({ networkId, subject, commandId, data: { publicKey, proof } }) => ({
    publicKey,
    message: walletKeyProofBytes({ networkId, walletId: subject, publicKey, commandId }),
    signature: proof,
  }),
  decide: ({ subject, signer, data: { publicKey }, proven }, state) =>
    walletDecider.decide({ type: 'ChangeWalletKey', walletId: subject, signer, publicKey, proven }, state),
})

export const issueTestDeposit = commandHandler({
  ...shared,
  data: issueTestDepositData,
  actor: ({ subject, signer, network }) => (signer === network.authority ? 'authority' : `wallet:${subject}`),
  decide: ({ subject, signer, commandId, network: { kind, authority }, data }, state) =>
    walletDecider.decide(
      { type: 'IssueTestDeposit', walletId: subject, signer, authority, networkKind: kind, commandId, ...data },
      state,
    ),
})

export const creditDeposit = commandHandler({
  ...chain,
  data: creditDepositData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      {
        ...data,
        type: 'CreditDeposit',
        walletId: subject,
        signer,
        serviceKey: serviceKey(network, 'chain'),
        confirmationsMin: moneyPolicy(network.policy).depositConfirmations,
      },
      state,
    ),
})

export const reverseDeposit = commandHandler({
  ...chain,
  data: reverseDepositData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'ReverseDeposit', walletId: subject, signer, serviceKey: serviceKey(network, 'chain') },
      state,
    ),
})

export const placeHold = commandHandler({
  ...shared,
  data: holdData,
  actor: owner,
  needs: ({ data: { escrowId } }) => ({ escrow: escrow(escrowId) }),
  decide: ({ subject, signer, data: { escrowId }, facts }, state) =>
    walletDecider.decide({ type: 'PlaceHold', walletId: subject, signer, escrowId, escrow: facts.escrow.state }, state),
})

const endHold = (type: 'CaptureHold' | 'ReleaseHold') =>
  commandHandler({
    ...settlement,
    data: holdData,
    needs: ({ data: { escrowId } }) => ({ escrow: escrow(escrowId) }),
    decide: ({ subject, signer, network, data: { escrowId }, facts }, state) =>
      walletDecider.decide(
        {
          type,
          walletId: subject,
          signer,
          serviceKey: serviceKey(network, 'settlement'),
          escrowId,
          escrow: facts.escrow.state,
        },
        state,
      ),
  })

export const captureHold = endHold('CaptureHold')
export const releaseHold = endHold('ReleaseHold')

export const transfer = commandHandler({
  ...shared,
  data: transferData,
  actor: owner,
  needs: ({ data: { to } }) => ({ recipient: wallet(to) }),
  decide: ({ subject, signer, commandId, data, facts }, state) =>
    walletDecider.decide(
      { ...data, type: 'Transfer', walletId: subject, signer, commandId, recipient: facts.recipient.state },
      state,
    ),
})

export const postCredit = commandHandler({
  ...settlement,
  data: postCreditData,
  needs: ({ data: { source } }) => ({ source: streamOf(source) }),
  decide: ({ subject, signer, now, network, data: { source }, facts }, state) =>
    walletDecider.decide(
      {
        type: 'PostCredit',
        walletId: subject,
        signer,
        serviceKey: serviceKey(network, 'settlement'),
        source,
        owed: owedTo(subject, source, facts.source.state),
        policy: moneyPolicy(network.policy),
        now,
      },
      state,
    ),
})

/** The stream that owes a credit. */
function streamOf(source: CreditSource): StreamId<'escrow' | 'wallet' | 'fund' | 'airdrop'> {
  switch (source.kind) {
    case 'escrow':
      return escrow(source.escrowId)
    case 'transfer':
      return wallet(source.from)
    case 'spending':
      return { category: 'fund', id: fundId }
    case 'airdrop':
      return { category: 'airdrop', id: source.campaignId }
  }
}

export const requestWithdrawal = commandHandler({
  ...shared,
  data: requestWithdrawalData,
  actor: owner,
  decide: ({ subject, signer, commandId, now, network, data }, state) =>
    walletDecider.decide(
      {
        ...data,
        type: 'RequestWithdrawal',
        walletId: subject,
        signer,
        commandId,
        policy: moneyPolicy(network.policy),
        now,
      },
      state,
    ),
})

export const changeStandingOrder = commandHandler({
  ...shared,
  data: changeStandingOrderData,
  actor: owner,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'ChangeStandingOrder', walletId: subject, signer, policy: moneyPolicy(network.policy) },
      state,
    ),
})

export const reviewWithdrawal = commandHandler({
  ...shared,
  data: reviewWithdrawalData,
  actor: () => 'steward',
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'ReviewWithdrawal', walletId: subject, signer, stewards: network.stewards.members },
      state,
    ),
})

export const cancelWithdrawal = commandHandler({
  ...shared,
  data: cancelWithdrawalData,
  actor: owner,
  decide: ({ subject, signer, data }, state) =>
    walletDecider.decide({ ...data, type: 'CancelWithdrawal', walletId: subject, signer }, state),
})

export const recordWithdrawalTransaction = commandHandler({
  ...chain,
  data: recordWithdrawalTransactionData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'RecordWithdrawalTransaction', walletId: subject, signer, serviceKey: serviceKey(network, 'chain') },
      state,
    ),
})

export const confirmWithdrawal = commandHandler({
  ...chain,
  data: confirmWithdrawalData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'ConfirmWithdrawal', walletId: subject, signer, serviceKey: serviceKey(network, 'chain') },
      state,
    ),
})

export const unconfirmWithdrawal = commandHandler({
  ...chain,
  data: unconfirmWithdrawalData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'UnconfirmWithdrawal', walletId: subject, signer, serviceKey: serviceKey(network, 'chain') },
      state,
    ),
})

export const failWithdrawal = commandHandler({
  ...chain,
  data: failWithdrawalData,
  decide: ({ subject, signer, network, data }, state) =>
    walletDecider.decide(
      { ...data, type: 'FailWithdrawal', walletId: subject, signer, serviceKey: serviceKey(network, 'chain') },
      state,
    ),
})
