import { airdrops } from './airdrops.ts'
import { chainWork } from './chain-work.ts'
import { communityFund } from './community-fund.ts'
import { deposits } from './deposits.ts'
import { reconciliation } from './differences.ts'
import { escrowSummary } from './escrow-summary.ts'
import { eventLog } from './event-log.ts'
import { healthWatch } from './health-watch.ts'
import { ledger } from './ledger.ts'
import { merkleLog } from './merkle-log.ts'
import { network } from './network.ts'
import { nodeDirectory } from './node-directory.ts'
import { nodeHealth } from './node-health.ts'
import { nodeHeartbeats } from './node-heartbeats.ts'
import type { Projection } from './projection.ts'
import { reputationHistory } from './reputation-history.ts'
import { settlement } from './settlement.ts'
import { walletBalances } from './wallet-balances.ts'
import { withdrawals } from './withdrawals.ts'

/** Every read model there is. */
export const readModels: readonly Projection[] = [
  eventLog,
  merkleLog,
  network,
  nodeDirectory,
  nodeHeartbeats,
  nodeHealth,
  reputationHistory,
  healthWatch,
  settlement,
  walletBalances,
  ledger,
  escrowSummary,
  communityFund,
  airdrops,
  reconciliation,
  chainWork,
  withdrawals,
  deposits,
]
