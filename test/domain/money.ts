// Names and events that the tests of money's deciders share.
import type { EscrowEvent } from '../../domain/escrow/events.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import { initialPolicy } from '../../domain/network/policy.ts'

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64url')

export const keys = {
  client: keyOf(1),
  provider: keyOf(2),
  verifier: keyOf(3),
  settlement: keyOf(4),
  chain: keyOf(5),
  authority: keyOf(6),
  steward: keyOf(7),
  steward2: keyOf(8),
  arbiter: keyOf(9),
  arbiter2: keyOf(10),
  stranger: keyOf(11),
}

export const idOf = (n: number) => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`
export const walletOf = (n: number) => idOf(1000 + n)
export const txidOf = (n: number) => n.toString(16).padStart(64, '0')
export const commitment = 'A'.repeat(43)

/** The escrow that tests are about: 1000 units between the client's wallet and the provider's. */
export const escrowIds = { escrowId: idOf(500), client: walletOf(1), provider: walletOf(2) }
export const windows = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }

/** At midnight; its client verifies. */
export const openedEscrow: EscrowEvent = {
  type: 'EscrowOpened',
  data: {
    ...escrowIds,
    amount: '1000',
    fundSharePermille: 50,
    terms: commitment,
    fallbackProviderPermille: 300,
    windows,
    dueAt: '2026-01-01T00:10:00.000Z',
  },
}

export const network: NetworkState = {
  networkId: idOf(1),
  kind: 'test',
  foundedAt: '2026-01-01T00:00:00.000Z',
  authority: keys.authority,
  serviceKeys: { health: keyOf(12), settlement: keys.settlement, chain: keys.chain },
  logKey: keyOf(13),
  stewards: { members: [keys.steward, keys.steward2], threshold: 2 },
  arbiters: { members: [keys.arbiter, keys.arbiter2], threshold: 2 },
  governors: { members: [], threshold: 0 },
  policy: initialPolicy,
}
