import { computeAirdrop } from '../../commands/airdrop-result.ts'
import type { CommandOutcome, Signer } from '../../commands/ports.ts'
import {
  createSettlementRunner,
  type SettlementRunner,
  type SettlementRunnerDeps,
} from '../../commands/processes/settlement-runner.ts'
import { type DomainEvent, decode } from '../../domain/catalogue.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { postingsOf } from '../../domain/ledger.ts'
import { committed, keyOf, type MoneyWorld, type MoneyWorldOptions, moneyWorld, sha256 } from './money-world.ts'
import { type MemorySettlementList, memorySettlementList } from './settlement-list.ts'

/** A money world with a client and a provider who have a wallet each, and a settlement process that is driven by hand. */
export interface Settling extends MoneyWorld {
  readonly client: Signer
  readonly provider: Signer
  readonly clientWallet: string
  readonly providerWallet: string
  readonly list: MemorySettlementList
  readonly errors: unknown[]
  readonly runner: SettlementRunner
  /** A process like the world's own. */
  process(deps?: Partial<SettlementRunnerDeps>): SettlementRunner
  /** Opens an escrow over 1,000 units, with windows of 60 s. */
  openEscrow(over?: Readonly<Record<string, string | number>>): Promise<string>
  placeHold(escrowId: string): Promise<CommandOutcome>
  deliver(escrowId: string): Promise<CommandOutcome>
  release(escrowId: string): Promise<CommandOutcome>
  /** Rounds until one leaves nothing to do. */
  settle(runner?: SettlementRunner): Promise<void>
  /** Types of all events since the wallets were filled. */
  story(): Promise<DomainEvent['type'][]>
  /** Accounts of the ledger that are not zero; they sum to zero. */
  accounts(): Promise<Readonly<Record<string, bigint>>>
}

export const result = sha256('the result')
export const windows = { fund: 60, start: 60, deliver: 60, accept: 60, resolve: 60 }
export const deposited = 10_000n

export async function settling(options: MoneyWorldOptions = {}): Promise<Settling> {
  const world = await moneyWorld(options)
  const { send, store, networkId, clock } = world
  const [client, provider] = [keyOf('client'), keyOf('provider')]
  const clientWallet = await world.openWallet(client)
  const providerWallet = await world.openWallet(provider)
  await send(client, 'IssueTestDeposit', clientWallet, { amount: String(deposited) })
  const begun = (await world.log()).length
  const list = memorySettlementList(store)
  const errors: unknown[] = []
  const process = (deps: Partial<SettlementRunnerDeps> = {}) =>
    createSettlementRunner({
      networkId,
      list,
      airdrop: (campaignId) => computeAirdrop(store, campaignId),
      caughtUp: async () => {},
      submit: world.instance(),
      signer: keyOf('settlement'),
      clock: () => clock.now,
      sleep: async () => {},
      onError: (error) => errors.push(error),
      ...deps,
    })
  const runner = process()

  return {
    ...world,
    client,
    provider,
    clientWallet,
    providerWallet,
    list,
    errors,
    runner,
    process,
    async openEscrow(over = {}) {
      const terms = committed('terms')
      const deal = { client: clientWallet, provider: providerWallet, amount: '1000', terms, fallbackProviderPermille: 500, windows }
      return (await send(client, 'OpenEscrow', undefined, { ...deal, ...over })).commandId
    },
    placeHold: (escrowId) => send(client, 'PlaceHold', clientWallet, { escrowId }),
    deliver: (escrowId) => send(provider, 'DeliverResult', escrowId, world.signedResult(provider, escrowId, result)),
    release: (escrowId) => send(client, 'ReleaseEscrow', escrowId, { resultHash: result }),
    async settle(settler = runner) {
      for (let before = -1; before !== (await world.log()).length; ) {
        before = (await world.log()).length
        await settler.round()
      }
    },
    story: async () => (await world.log()).slice(begun).map((event) => decode(event).type),
    async accounts() {
      const accounts = new Map<string, bigint>()
      for (const event of await world.log())
        for (const { account, amount } of postingsOf(decode(event))) accounts.set(account, (accounts.get(account) ?? 0n) + amount)
      return Object.fromEntries(
        [...accounts].filter(([, amount]) => amount !== 0n).sort(([one], [other]) => (one < other ? -1 : 1)),
      )
    },
  }
}

/** Escrows at every stage, a late hold, debts of each kind, contributions that are swept and that are not. */
export async function moneyUnderWay(stage: Settling): Promise<void> {
  const { client, provider, clientWallet, providerWallet, send, settle } = stage
  const started = async () => {
    const id = await stage.openEscrow()
    await stage.placeHold(id)
    await settle()
    await send(provider, 'StartEscrow', id)
    return id
  }
  const released = async () => {
    const id = await started()
    await stage.deliver(id)
    await stage.release(id)
  }
  await released()
  await settle()
  const declined = await started()
  await started()
  const late = await stage.openEscrow()
  const behind = stage.instance()
  await behind(stage.order(provider, 'PlaceHold', clientWallet, { escrowId: late })).catch(() => {})
  await released()
  await send(provider, 'GrantRefund', declined, { amount: '100' })
  await send(provider, 'DeclineEscrow', declined)
  await send(client, 'CancelEscrow', late)
  await behind(stage.order(client, 'PlaceHold', clientWallet, { escrowId: late }))
  await send(client, 'Transfer', clientWallet, { to: providerWallet, amount: '7' })
  const spending = {
    to: clientWallet,
    amount: '50',
    category: 'grants',
    purpose: committed('a'),
    expiresAt: '2026-03-01T00:00:00.000Z',
  }
  const { commandId: proposalId } = await send(keyOf('steward-1'), 'ProposeSpending', fundId, spending)
  for (const steward of ['steward-1', 'steward-2']) await send(keyOf(steward), 'ApproveSpending', fundId, { proposalId })
  await stage.placeHold(await stage.openEscrow())
  const funded = await stage.openEscrow()
  await stage.placeHold(funded)
  await send(keyOf('settlement'), 'RecordFunding', funded)
  await stage.openEscrow()
}
