import { createHash } from 'node:crypto'
import { proveWalletKey, signResult } from '../commands/sign.ts'
import { commitmentOf } from '../domain/commitment.ts'
import { contributionsDigest } from '../domain/fund/contributions.ts'
import { fundId } from '../domain/fund/decider.ts'
import { ownIdOf } from '../domain/wallet/state.ts'
import { type ExampleCommand, exampleTree, idOf, networkId, position, recordedAt, signerOf } from './example-signers.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest()
/** A commitment to a text, with a salt that is made of it. */
export const commitment = (content: string) => commitmentOf(sha256(`salt of ${content}`), Buffer.from(content))

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
  ChangeStandingOrder: ofClient({
    order: { destination: commitment('an address of the chain'), feeMax: '10000000', amountMin: '100000000' },
  }),
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

const { windows, terms } = moneyCommands.OpenEscrow.data
const later = '2026-11-24T10:15:30.042Z'

/** What the addresses answer about the example's money. */
export const moneyExample = {
  wallet: {
    walletId: clientId,
    owner: client.publicKey,
    posted: '99000000000',
    held: '0',
    available: '99000000000',
    shortfall: '0',
    frozen: false,
    standingOrder: null,
    openedAt: recordedAt,
    openedPosition: '184300',
    changedAt: recordedAt,
    changedPosition: position,
  },
  statement: {
    walletId: clientId,
    balance: { posted: '99000000000', held: '0', shortfall: '0', available: '99000000000' },
    entries: [
      {
        index: 44,
        revision: 3,
        type: 'HoldCaptured',
        change: { posted: '-1000000000', held: '-1000000000', shortfall: '0' },
        balance: { posted: '99000000000', held: '0', shortfall: '0', available: '99000000000' },
        kind: 'escrow',
        reference: escrowId,
        other: null,
        recordedAt,
        position,
      },
    ],
    next: null,
  },
  balanceExplanation: {
    subject: `wallet:${clientId}`,
    value: { walletId: clientId, balance: { posted: '100000000000', held: '0', shortfall: '0', available: '100000000000' } },
    contributions: [
      { type: 'TestDepositIssued', events: 1, posted: '100000000000', held: '0', shortfall: '0', firstIndex: 40, lastIndex: 40 },
    ],
    policyVersion: 1,
    events: [],
    log: exampleTree,
  },
  withdrawal: {
    withdrawalId,
    walletId: clientId,
    status: 'review',
    amount: '500000000',
    feeMax: '10000000',
    destination: moneyCommands.RequestWithdrawal.data.destination,
    signals: [{ rule: 'new_destination', limit: '100000000' }],
    reviewedBy: null,
    attempts: [],
    txid: null,
    fee: null,
    blockHash: null,
    height: null,
    reason: null,
    requestedAt: recordedAt,
    changedAt: recordedAt,
    changedPosition: position,
  },
  deposit: {
    deposit: ownIdOf(clientId, idOf('IssueTestDeposit')),
    walletId: clientId,
    origin: 'test',
    amount: '100000000000',
    status: 'credited',
    blockHash: null,
    height: null,
    reason: null,
    shortfall: '0',
    creditedAt: recordedAt,
    changedAt: recordedAt,
    changedPosition: position,
  },
  transfer: {
    transferId: ownIdOf(clientId, idOf('Transfer')),
    from: clientId,
    to: providerId,
    amount: '250000000',
    index: 60,
    recordedAt,
    position,
  },
  escrow: {
    escrowId,
    client: clientId,
    provider: providerId,
    amount: '1000000000',
    status: 'delivered',
    dueAt: later,
    reason: null,
    fundSharePermille: 50,
    terms,
    verifier: verifier.publicKey,
    fallbackProviderPermille: 500,
    windows,
    heldAt: recordedAt,
    capturedAt: recordedAt,
    resultHash,
    resultValid: true,
    dispute: null,
    providerAmount: '0',
    fundAmount: '0',
    refundedAmount: '0',
    credited: {},
    openedAt: recordedAt,
    changedAt: recordedAt,
    changedPosition: position,
  },
  escrowExplanation: {
    subject: `escrow:${escrowId}`,
    value: {
      escrowId,
      status: 'delivered',
      waitsFor: [{ who: 'client', does: 'ReleaseEscrow' }],
      until: later,
      otherwise: 'The provider is paid: silence of a client who could have looked is acceptance.',
    },
    contributions: [],
    policyVersion: 1,
    events: [
      {
        index: 41,
        position,
        type: 'EscrowOpened',
        recordedAt,
        actor: `wallet:${clientId}`,
        text: 'The client opened the escrow over 1000000000.',
        leaf: 'b'.repeat(64),
        proof: ['c'.repeat(64)],
      },
    ],
    log: exampleTree,
  },
  account: {
    account: `wallet:${clientId}`,
    balance: '99000000000',
    debits: '1000000000',
    credits: '100000000000',
    entries: 2,
    changedPosition: position,
  },
  entry: {
    index: 44,
    line: 0,
    account: `wallet:${clientId}`,
    amount: '-1000000000',
    item: null,
    type: 'HoldCaptured',
    stream: `dux_wallet-${clientId}`,
    revision: 3,
    recordedAt,
    position,
  },
  trialBalance: {
    total: '0',
    debits: '102950000000',
    credits: '102950000000',
    accounts: [
      { kind: 'clearing:escrows', balance: '0', debits: '950000000', credits: '950000000' },
      { kind: 'clearing:fund', balance: '50000000', debits: '0', credits: '50000000' },
      { kind: 'escrow', balance: '0', debits: '1000000000', credits: '1000000000' },
      { kind: 'outside:test', balance: '-100000000000', debits: '100000000000', credits: '0' },
      { kind: 'wallet', balance: '99950000000', debits: '1000000000', credits: '100950000000' },
    ],
    clearing: [
      {
        account: 'clearing:fund',
        balance: '50000000',
        debits: '0',
        credits: '50000000',
        openCount: 1,
        openItems: [
          {
            item: `contribution:${escrowId}`,
            amount: '50000000',
            openedAt: recordedAt,
            ageSeconds: 1,
            openedIndex: 52,
            openedPosition: position,
          },
        ],
      },
    ],
    position,
  },
  fund: {
    fund: fundId,
    balance: '50000000',
    swept: '50000000',
    spent: '0',
    returned: '0',
    pending: '0',
    contributions: 1,
    sweeps: 1,
    sweptToIndex: 52,
    changedIndex: 53,
    changedPosition: position,
  },
  contribution: { index: 52, escrowId, amount: '50000000', recordedAt, position },
  sweep: {
    n: 1,
    fromIndex: 0,
    toIndex: 52,
    count: 1,
    amount: '50000000',
    listDigest: contributionsDigest([{ index: 52, escrowId, amount: 50_000_000n }]),
    recordedAt,
    position,
  },
  proposal: {
    ...moneyCommands.ProposeSpending.data,
    to: { kind: 'wallet', id: providerId },
    proposalId: idOf('ProposeSpending'),
    status: 'proposed',
    by: steward.publicKey,
    stewards: { members: [steward.publicKey], threshold: 1 },
    approvals: [],
    creditedAt: null,
    returned: '0',
    proposedAt: recordedAt,
    changedAt: recordedAt,
    changedPosition: position,
  },
  allocation: { category: 'infrastructure', spendings: 1, amount: '50000000', lastAt: recordedAt, changedPosition: position },
  report: {
    allocations: [],
    closing: { balance: '50000000', pending: '0' },
    contributions: { amount: '50000000', count: 1 },
    format: 'duxnet-fund-report-v2',
    kind: 'test',
    networkId,
    opening: { balance: '0', pending: '0' },
    proposals: [],
    range: { from: 0, to: 53 },
    spent: '0',
    returned: '0',
    sweeps: [],
  },
  difference: {
    differenceId: idOf('OpenDifference'),
    subject: 'treasury',
    expected: '100000000000',
    actual: '99999999999',
    difference: '-1',
    foundAt: recordedAt,
    closedAt: null,
    open: true,
    changedPosition: position,
  },
} as const
