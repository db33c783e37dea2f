import { airdropDecider } from '../domain/airdrop/decider.ts'
import { attestationDecider } from '../domain/attestation/decider.ts'
import { auditDecider } from '../domain/audit/decider.ts'
import type { DomainEvent } from '../domain/catalogue.ts'
import type { Decider } from '../domain/decider.ts'
import { escrowDecider } from '../domain/escrow/decider.ts'
import { fundDecider } from '../domain/fund/decider.ts'
import { healthDecider } from '../domain/health/decider.ts'
import { heartbeatDecider } from '../domain/heartbeat/decider.ts'
import { networkDecider } from '../domain/network/decider.ts'
import { nodeDecider } from '../domain/node/decider.ts'
import { reputationDecider } from '../domain/reputation/decider.ts'
import type { Category } from '../domain/stream.ts'
import { walletDecider } from '../domain/wallet/decider.ts'

const byCategory = {
  network: networkDecider,
  node: nodeDecider,
  heartbeat: heartbeatDecider,
  health: healthDecider,
  reputation: reputationDecider,
  attestation: attestationDecider,
  wallet: walletDecider,
  escrow: escrowDecider,
  fund: fundDecider,
  airdrop: airdropDecider,
  audit: auditDecider,
} satisfies Record<Category, Decider<unknown, never, DomainEvent>>

/** Whose fold each stream is. */
export const deciders: Readonly<Record<Category, Decider<unknown, never, DomainEvent>>> = byCategory

/** What a stream of a category folds to. */
export type StateOf<C extends Category> = ReturnType<(typeof byCategory)[C]['evolve']>

/**
 * The same as other streams' decisions see it: undefined where the fold is of the stream's newest events alone. Such a stream is
 * endless and nobody keeps its former states, so of it a decision knows no more than the revision.
 */
export type StateSeen<C extends Category> = (typeof byCategory)[C] extends { readonly newest: number } ? undefined : StateOf<C>
