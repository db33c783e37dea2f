import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { checkNode, createChain } from '../adapters/flopcoin/node.ts'
import { accountOf } from '../adapters/flopcoin/payment.ts'
import { createRpc } from '../adapters/flopcoin/rpc.ts'
import { openTreasury } from '../adapters/flopcoin/treasury.ts'
import { chainStore } from '../adapters/postgres/private/chain.ts'
import type { PrivateStore } from '../adapters/postgres/private/store.ts'
import type { Clock, EventStore, SubmitCommand } from '../commands/ports.ts'
import type { ChainAlarm } from '../commands/processes/chain.ts'
import { type ChainRunner, createChainRunner } from '../commands/processes/chain-runner.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { serviceKey } from '../domain/network/offices.ts'
import { moneyPolicy } from '../domain/network/policy.ts'
import { chainWork } from '../projections/chain-work.ts'
import { Failure } from './cli/command.ts'
import { type Config, does } from './config.ts'
import type { KeyRing } from './keys.ts'
import { seldom } from './logs.ts'
import type { ChainMetrics } from './metrics.ts'
import type { ReadSide } from './read-side.ts'
import { passphraseOf, walletFiles } from './wallet/files.ts'

export interface ChainSideOptions {
  readonly config: Config
  readonly network: NetworkState
  readonly store: EventStore | undefined
  readonly privateStore: PrivateStore | undefined
  readonly readSide: ReadSide | undefined
  readonly submit: SubmitCommand | undefined
  readonly keys: KeyRing
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: ChainMetrics
  /** Named points of crash tests. */
  readonly reached: ((point: string) => void) | undefined
}

/** The chain as an instance has it. */
export interface ChainSide {
  /** A wallet's address, which the node watches from then on; undefined for a wallet that there is not. Throws `ChainUnavailable`, what Postgres throws. */
  depositAddress(walletId: string): Promise<string | undefined>
  /** Where this process does the chain's work. */
  readonly runner: ChainRunner | undefined
}

/** Undefined, and said once, where there is no node. Throws `Failure` where there is one and the treasury is not as it should be. */
export async function openChainSide(options: ChainSideOptions): Promise<ChainSide | undefined> {
  const { config, privateStore, readSide, log } = options
  const { flopcoinRpcUrl: url, flopcoinCookieFile: cookieFile } = config
  if (!privateStore || !readSide || !does(config, 'chain', 'queries')) return undefined
  if (url === undefined) {
    if (does(config, 'chain')) log.info('FLOPCOIN_RPC_URL is not set: deposits and withdrawals over the chain are off')
    return undefined
  }
  const files = walletFiles(config)
  const vault = files.vault()
  if (!vault)
    throw new Failure(`FLOPCOIN_RPC_URL is set but there is no treasury in ${files.planPath}: duxnet wallet init makes one`)
  const rpc = createRpc({ url, cookieFile })
  const chain = createChain(rpc)
  const treasury = openTreasury(vault, await accountsHere(options), chain)
  const kept = chainStore(privateStore)
  const work = readSide.queries.chainWork
  const check = () => checkNode(rpc, vault)

  return {
    async depositAddress(walletId) {
      if (!(await work.hasWallet(walletId))) return undefined
      const address = treasury.depositAddress(walletId)
      if ((await kept.walletsOf([address])).has(address)) return address
      await check()
      // Watched first: an address that is given out is never unwatched.
      await chain.watch([address], false)
      await kept.addAddress(walletId, address)
      return address
    },
    runner: runnerOf(options, { chain, treasury, store: kept, work, checkNode: check }),
  }
}

/** Keys that sign here; none where they are elsewhere, and payments wait for those. */
async function accountsHere({ config, log }: ChainSideOptions) {
  const files = walletFiles(config)
  const passphrase = passphraseOf(config)
  const { plan } = files.vault()!
  if (!does(config, 'chain') || !files.hasKeys()) return []
  if (passphrase === undefined) {
    log.warn('no passphrase opens the keys of the treasury: payments wait for signatures')
    return []
  }
  const accounts = (await files.seeds(passphrase)).map((seed) => accountOf(seed, plan.chain))
  return accounts.filter(({ publicExtendedKey }) => plan.cosigners.includes(publicExtendedKey))
}

function runnerOf(
  { config, network, store, readSide, submit, keys, clock, log, metrics, reached }: ChainSideOptions,
  means: Pick<Parameters<typeof createChainRunner>[0], 'chain' | 'treasury' | 'store' | 'work' | 'checkNode'>,
): ChainRunner | undefined {
  const { networkId } = network
  if (!does(config, 'chain') || !store || !submit || !readSide) return undefined
  const signer = keys.find('chain')
  if (!signer || serviceKey(network, 'chain') !== signer.publicKey) {
    log.warn({ networkId }, 'the network has no key chain that is here: deposits and withdrawals wait for one that is')
    return undefined
  }
  return createChainRunner({
    ...means,
    networkId,
    policy: () => moneyPolicy(network.policy),
    submit,
    signer,
    clock,
    alarm: alarms(log, metrics),
    tookIn: async (position) => (await readSide.progress.reached(chainWork.name, position, tookInMs)) >= position,
    head: async () => (await store.head())?.position,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    onError: seldom((error) => log.warn({ err: error }, 'the chain waits')),
    onRound: metrics.round,
    ...(reached && { reached }),
  })
}

const tookInMs = 5000

/** What a person must look at, as errors of the log; what only waits, as warnings. Each kind is said once in a while. */
function alarms(log: Logger, metrics: ChainMetrics): (alarm: ChainAlarm) => void {
  const error = seldom((alarm: ChainAlarm) => log.error(fieldsOf(alarm), 'the chain needs a person'))
  const waiting = seldom((alarm: ChainAlarm) => log.warn(fieldsOf(alarm), 'a payment waits'))
  return (alarm) => {
    metrics.alarm(alarm.kind)
    // Differences are few, and none may be missed.
    if (alarm.kind === 'difference') log.error(fieldsOf(alarm), 'ledger and chain disagree')
    else (alarm.kind === 'payment_waits' ? waiting : error)(alarm)
  }
}

function fieldsOf(alarm: ChainAlarm): object {
  const entries = Object.entries(alarm).map(([name, value]) => [
    name === 'error' ? 'err' : name,
    typeof value === 'bigint' ? String(value) : value,
  ])
  return Object.fromEntries(entries)
}
