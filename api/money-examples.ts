import { createHash } from 'node:crypto'
import { proveWalletKey, signResult } from '../commands/sign.ts'
import { commitmentOf } from '../domain/commitment.ts'
import { fundId } from '../domain/fund/decider.ts'
import { ownIdOf } from '../domain/wallet/state.ts'
import { type ExampleCommand, idOf, networkId, signerOf } from './example-signers.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest()
const commitment = (content: string) => commitmentOf(sha256(`salt of ${content}`), Buffer.from(content))

export const client = signerOf('client')
export const provider = signerOf('provider')
const verifier = signerOf('verifier')
const arbiter = signerOf('arbiter')
const steward = signerOf('steward')

/** The wallet of the client, that of the provider, the escrow between them, and a withdrawal. */
export const clientId = idOf('OpenWallet')
export const providerId = idOf('wallet of the provider')
export const escrowId = idOf('OpenEscrow')
export const withdrawalId = ownIdOf(clientId, idOf('RequestWithdrawal'))
const resultHash = sha256('the result').toString('hex')

const ofClient = (data: ExampleCommand['data']) => ({ signer: client, subject: clientId, data })
const byClient = (data: ExampleCommand['data'] = {}) => ({ signer: client, subject: escrowId, data })
const byProvider = (data: ExampleCommand['data'] = {}) => ({ signer: provider, subject: escrowId, data })
const bySteward = (data: ExampleCommand['data']) => ({ signer: steward, subject: fundId, data })

/** The commands of money that people send. */
export const moneyCommands = {
  OpenWallet: ofClient({}),
  ChangeWalletKey: ofClient(
    proveWalletKey(signerOf('next wallet key'), { networkId, walletId: clientId, commandId: idOf('ChangeWalletKey') }),
  ),
  IssueTestDeposit: ofClient({ amount: '100000000000' }),
  PlaceHold: ofClient({ escrowId }),
  Transfer: ofClient({ to: providerId, amount: '250000000' }),
  RequestWithdrawal: ofClient({ amount: '500000000', feeMax: '10000000', destination: commitment('an address of the chain') }),
  ReviewWithdrawal: {
    signer: steward,
    subject: clientId,
    data: { withdrawalId, approve: true },
  },
  CancelWithdrawal: ofClient({ withdrawalId }),
  OpenEscrow: byClient({
    client: clientId,
    provider: providerId,
    amount: '1000000000',
    terms: commitment('what was agreed'),
    verifier: verifier.publicKey,
    fallbackProviderPermille: 500,
    windows: { fund: 3600, start: 3600, deliver: 86_400, accept: 86_400, resolve: 604_800 },
  }),
  CancelEscrow: byClient(),
  StartEscrow: byProvider(),
  DeclineEscrow: byProvider(),
  DeliverResult: byProvider({ resultHash, signature: signResult(provider, { networkId, escrowId, resultHash }) }),
  VerifyResult: { signer: verifier, subject: escrowId, data: { resultHash, valid: true } },
  ReleaseEscrow: byClient({ resultHash }),
  GrantRefund: byProvider({ amount: '100000000' }),
  OpenDispute: byClient({ reason: commitment('what is wrong with it') }),
  AddEvidence: byProvider({ evidence: commitment('what shows that it is right') }),
  VoteOnDispute: { signer: arbiter, subject: escrowId, data: { providerAmount: '600000000' } },
  ProposeSpending: bySteward({
    to: providerId,
    amount: '50000000',
    category: 'infrastructure',
    purpose: commitment('what it is for'),
    expiresAt: '2026-12-23T00:00:00.000Z',
  }),
  ApproveSpending: bySteward({ proposalId: idOf('ProposeSpending') }),
  WithdrawProposal: bySteward({ proposalId: idOf('ProposeSpending') }),
} satisfies Record<string, ExampleCommand>
