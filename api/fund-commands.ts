import { alias } from './alias.ts'
import type { ProblemCode } from './problem.ts'
import type { Route } from './route.ts'

const proposal: readonly ProblemCode[] = ['ProposalUnknown', 'ProposalNotInStatus']

/** What stewards send about the community fund; the subject is always `community`. */
export const fundCommandRoutes: readonly Route[] = [
  alias('/v1/fund/proposals', 'ProposeSpending', 'Propose spending; the proposal has the id of this command', ['WalletUnknown']),
  alias(
    '/v1/fund/proposals/:proposalId/approvals',
    'ApproveSpending',
    'Approve spending; the last approval that it needs pays it',
    [...proposal, 'ProposalExpired', 'FundInsufficient'],
  ),
  alias('/v1/fund/proposals/:proposalId/withdraw', 'WithdrawProposal', 'Take a proposal back, as its proposer', proposal),
]
