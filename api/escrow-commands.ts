import { alias } from './alias.ts'
import type { ExampleType } from './examples.ts'
import type { ProblemCode } from './problem.ts'
import type { Route } from './route.ts'

function about(name: string, type: ExampleType, summary: string, problems: readonly ProblemCode[] = []): Route {
  return alias(`/v1/escrows/:id/${name}`, type, summary, ['EscrowUnknown', 'EscrowNotInStatus', ...problems])
}

/** What is sent about an escrow. */
export const escrowCommandRoutes: readonly Route[] = [
  alias('/v1/escrows', 'OpenEscrow', 'Open an escrow; its id is the id of this command', ['EscrowAlreadyOpen', 'WalletUnknown']),
  about('cancel', 'CancelEscrow', 'Call it off before it is started, as the client', ['EscrowNotCaptured']),
  about('start', 'StartEscrow', 'Begin the work, as the provider', ['EscrowNotCaptured', 'DeadlinePassed']),
  about('decline', 'DeclineEscrow', 'Give all of it back, as the provider', ['EscrowNotCaptured']),
  about('deliver', 'DeliverResult', 'Deliver the hash of a signed result, as the provider', [
    'ResultSignatureInvalid',
    'ResultAlreadyVerified',
    'DeadlinePassed',
  ]),
  about('verify', 'VerifyResult', 'Say whether the result is right, as the verifier', ['ResultMismatch', 'ResultAlreadyVerified']),
  about('release', 'ReleaseEscrow', 'Accept the result and pay for it, as the client', ['ResultMismatch', 'ResultNotVerified']),
  about('refunds', 'GrantRefund', 'Give a part of it back, as the provider', ['RefundsTooMany']),
  about('disputes', 'OpenDispute', 'Ask the arbiters, as the client or the provider', ['NoArbiters']),
  about('evidence', 'AddEvidence', 'Add evidence to a dispute', ['EvidenceTooMuch']),
  about('votes', 'VoteOnDispute', 'Vote on a dispute, as an arbiter'),
]
