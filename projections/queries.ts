import type { Kysely } from 'kysely'
import { type AirdropsQueries, airdropsQueries } from './airdrops.query.ts'
import { type ChainWorkQueries, chainWorkQueries } from './chain-work.query.ts'
import { type CommunityFundQueries, communityFundQueries } from './community-fund.query.ts'
import { type DepositsQueries, depositsQueries } from './deposits.query.ts'
import { type DifferencesQueries, differencesQueries } from './differences.query.ts'
import { type EscrowSummaryQueries, escrowSummaryQueries } from './escrow-summary.query.ts'
import { type EventLogQueries, eventLogQueries } from './event-log.query.ts'
import { type HealthWatchQueries, healthWatchQueries } from './health-watch.query.ts'
import { type LedgerQueries, ledgerQueries } from './ledger.query.ts'
import { type MerkleLogQueries, merkleLogQueries } from './merkle-log.query.ts'
import { type NetworkQueries, networkQueries } from './network.query.ts'
import { type NodeDirectoryQueries, nodeDirectoryQueries } from './node-directory.query.ts'
import { type NodeHealthQueries, nodeHealthQueries } from './node-health.query.ts'
import { type NodeHeartbeatsQueries, nodeHeartbeatsQueries } from './node-heartbeats.query.ts'
import { home, type ReadModels } from './read.ts'
import { type ReputationHistoryQueries, reputationHistoryQueries } from './reputation-history.query.ts'
import { type SettlementQueries, settlementQueries } from './settlement.query.ts'
import { type WalletBalancesQueries, walletBalancesQueries } from './wallet-balances.query.ts'
import { type WalletStatementQueries, walletStatementQueries } from './wallet-statement.query.ts'
import { type WithdrawalsQueries, withdrawalsQueries } from './withdrawals.query.ts'

export interface Queries
  extends NodeDirectoryQueries,
    NodeHeartbeatsQueries,
    NodeHealthQueries,
    ReputationHistoryQueries,
    EventLogQueries,
    MerkleLogQueries,
    NetworkQueries,
    WalletBalancesQueries,
    WalletStatementQueries,
    LedgerQueries,
    EscrowSummaryQueries,
    CommunityFundQueries,
    AirdropsQueries,
    DifferencesQueries,
    WithdrawalsQueries,
    DepositsQueries {
  readonly healthWatch: HealthWatchQueries
  readonly settlement: SettlementQueries
  readonly chainWork: ChainWorkQueries
}

/** Every read that the read models answer; `connection` may be read-only. All throw `ReadModelUnavailable` and what Postgres throws. */
export function queries(connection: Kysely<ReadModels>): Queries {
  const db = connection.withSchema(home)
  return {
    ...nodeDirectoryQueries(db),
    ...nodeHeartbeatsQueries(db),
    ...nodeHealthQueries(db),
    ...reputationHistoryQueries(db),
    ...eventLogQueries(db),
    ...merkleLogQueries(db),
    ...networkQueries(db),
    ...walletBalancesQueries(db),
    ...walletStatementQueries(db),
    ...ledgerQueries(db),
    ...escrowSummaryQueries(db),
    ...communityFundQueries(db),
    ...airdropsQueries(db),
    ...differencesQueries(db),
    ...withdrawalsQueries(db),
    ...depositsQueries(db),
    healthWatch: healthWatchQueries(db),
    settlement: settlementQueries(db),
    chainWork: chainWorkQueries(db),
  }
}
