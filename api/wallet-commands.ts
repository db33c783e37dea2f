import { alias } from './alias.ts'
import type { ProblemCode } from './problem.ts'
import type { Route } from './route.ts'

const spending: readonly ProblemCode[] = ['WalletUnknown', 'WalletFrozen', 'FundsInsufficient']
const withdrawal: readonly ProblemCode[] = ['WalletUnknown', 'WithdrawalUnknown', 'WithdrawalNotInStatus']

/** What is sent about a wallet. */
export const walletCommandRoutes: readonly Route[] = [
  alias('/v1/wallets', 'OpenWallet', 'Open a wallet; its id is the id of this command', ['WalletAlreadyOpen']),
  alias('/v1/wallets/:id/key', 'ChangeWalletKey', 'Change the key that speaks for a wallet', [
    'WalletUnknown',
    'WalletKeyProofInvalid',
  ]),
  alias(
    '/v1/wallets/:id/standing-order',
    'ChangeStandingOrder',
    'Let what airdrops credit leave over the chain at once, or no longer',
    ['WalletUnknown'],
  ),
  alias('/v1/wallets/:id/test-deposits', 'IssueTestDeposit', 'Put test money into a wallet, on a test network', [
    'WalletUnknown',
    'TestMoneyRefused',
  ]),
  alias('/v1/wallets/:id/holds', 'PlaceHold', 'Put money aside for an escrow', [...spending, 'EscrowUnknown', 'EscrowNotInStatus']),
  alias('/v1/wallets/:id/transfers', 'Transfer', 'Send money to another wallet', spending),
  alias('/v1/wallets/:id/withdrawals', 'RequestWithdrawal', 'Take money out over the chain', spending),
  alias(
    '/v1/wallets/:id/withdrawals/:withdrawalId/review',
    'ReviewWithdrawal',
    'Approve or reject a withdrawal, as a steward',
    withdrawal,
  ),
  alias(
    '/v1/wallets/:id/withdrawals/:withdrawalId/cancel',
    'CancelWithdrawal',
    'Take a withdrawal back before it is signed',
    withdrawal,
  ),
]
