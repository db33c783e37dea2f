import { setTimeout as sleep } from 'node:timers/promises'
import { signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { checkNode, createChain } from '../../adapters/flopcoin/node.ts'
import { accountOf } from '../../adapters/flopcoin/payment.ts'
import { createRpc } from '../../adapters/flopcoin/rpc.ts'
import { openTreasury } from '../../adapters/flopcoin/treasury.ts'
import { openVault, type TreasuryPlan } from '../../adapters/flopcoin/vault.ts'
import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { openWriter } from '../../adapters/postgres/pool.ts'
import { chainStore } from '../../adapters/postgres/private/chain.ts'
import { openPrivateStore, type PrivateStore } from '../../adapters/postgres/private/store.ts'
import type { Chain, ChainStore, ChainWork, EventStore, SubmitCommand, Treasury } from '../../commands/ports.ts'
import type { ChainAlarm, ChainDeps, ChainPoint } from '../../commands/processes/chain.ts'
import { createReconciliation } from '../../commands/processes/chain-reconciliation.ts'
import { type ChainRunner, createChainRunner } from '../../commands/processes/chain-runner.ts'
import { createSubmit } from '../../commands/submit.ts'
import type { MoneyPolicy } from '../../domain/network/policy.ts'
import { chainWork } from '../../projections/chain-work.ts'
import { progress } from '../../projections/progress.ts'
import { createProjector } from '../../projections/projector.ts'
import { queries } from '../../projections/queries.ts'
import type { ReadModels } from '../../projections/read.ts'

/** What a process with the chain's work in it is started with; all of it text, so that it can be another process. */
export interface ChainInstanceOptions {
  readonly store: EventStore
  readonly namespace: string
  readonly networkId: string
  readonly databaseUrl: string
  readonly nodeUrl: string
  readonly policy: MoneyPolicy
  /** Of the service key `chain`, in hexadecimal. */
  readonly seed: string
  /** How many of the cosigners' keys it has; two unless given. */
  readonly keys?: number
  readonly reached?: (point: ChainPoint) => void
}

/** The parts of a running instance that have to do with the chain. */
export interface ChainInstance {
  readonly runner: ChainRunner
  readonly reconciliation: { look(): Promise<void> }
  readonly submit: SubmitCommand
  readonly chain: Chain
  readonly treasury: Treasury
  readonly chainStore: ChainStore
  readonly privateStore: PrivateStore
  readonly work: ChainWork
  readonly alarms: ChainAlarm[]
  /** Resolves once the to-do list has taken in all that the log holds. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

/** Two of three; the signers' seeds of every test. */
export const accounts = [1, 2, 3].map((fill) => accountOf(Buffer.alloc(32, fill), 'regtest'))
export const plan: TreasuryPlan = {
  format: 'duxnet-treasury-v1',
  chain: 'regtest',
  threshold: 2,
  cosigners: accounts.map(({ publicExtendedKey }) => publicExtendedKey),
}
export const vault = openVault(plan)

export async function startChainInstance(options: ChainInstanceOptions): Promise<ChainInstance> {
  const { store, namespace, networkId, databaseUrl, nodeUrl, policy, seed, keys = 2, reached } = options
  const clock = () => new Date()
  const postgres = openWriter<ReadModels>({ url: databaseUrl })
  const privateStore = openPrivateStore({ url: databaseUrl })
  const over = new AbortController()
  const folded = progress(postgres.db)
  const projector = createProjector({
    projections: [chainWork],
    source: store,
    db: postgres.db,
    copyTransaction: (work) => copyTransaction(postgres.pool, work),
    clock,
    onAdvance: folded.advanced,
  })
  const projecting = projector.run(over.signal)
  const rpc = createRpc({ url: nodeUrl, pauseMs: 20 })
  const chain = createChain(rpc)
  const treasury = openTreasury(vault, accounts.slice(0, keys), chain)
  const submit = createSubmit({ store, namespace, networkId, clock, verify: verifySignature })
  const alarms: ChainAlarm[] = []
  const work = queries(postgres.db).chainWork
  const deps: ChainDeps = {
    networkId,
    policy: () => policy,
    chain,
    treasury,
    store: chainStore(privateStore),
    work,
    submit,
    signer: signerFrom(Buffer.from(seed, 'hex')),
    clock,
    alarm: (alarm) => void alarms.push(alarm),
    ...(reached && { reached }),
  }
  const caughtUp = async () => {
    const head = await store.head()
    if (head) await folded.reached(chainWork.name, head.position, 30_000)
  }
  await untilBuilt(() => work.holdings())
  return {
    runner: createChainRunner({
      ...deps,
      tookIn: async (position) => (await folded.reached(chainWork.name, position, 30_000)) >= position,
      checkNode: () => checkNode(rpc, vault),
      head: async () => (await store.head())?.position,
      sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
      onError: () => {},
    }),
    reconciliation: createReconciliation(deps),
    submit,
    chain,
    treasury,
    chainStore: deps.store,
    privateStore,
    work,
    alarms,
    caughtUp,
    async stop() {
      over.abort()
      await projecting
      await privateStore.close()
      await postgres.close()
    },
  }
}

async function untilBuilt(read: () => Promise<unknown>): Promise<void> {
  for (let left = 600; ; left--) {
    try {
      await read()
      return
    } catch (error) {
      if (left === 0) throw error
      await sleep(50)
    }
  }
}
