import { setImmediate as turn } from 'node:timers/promises'
import { computeAirdrop } from '../../commands/airdrop-result.ts'
import { AppendOutcomeUnknown, type EventStore, type SubmitCommand } from '../../commands/ports.ts'
import { createSettlementRunner } from '../../commands/processes/settlement-runner.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import type { Envelope } from '../../domain/envelope.ts'
import { DomainError } from '../../domain/errors.ts'
import { isTerminal } from '../../domain/escrow/state.ts'
import { uuidV5 } from '../../domain/ids.ts'
import { keyOf, moneyWorld, stewardNames } from '../support/money-world.ts'
import { randomFrom } from '../support/random.ts'
import { memorySettlementList } from '../support/settlement-list.ts'
import { type Actor, createMarket, createSight } from './market.ts'
import { createChain, createSettlement, type Due, type Service } from './services.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly actors: number
  /** Of each actor. */
  readonly operations: number
  readonly store?: EventStore
  /** Two settlement processes, as the program runs one, do what the simple one would. */
  readonly realSettlement?: boolean
}

export interface Simulated {
  /** The log; whether anything in it was done twice, it shows. */
  readonly facts: readonly Fact[]
  /** How often each command came to what. */
  readonly fates: ReadonlyMap<string, number>
  /** What should not have happened, in words. */
  readonly wrongs: readonly string[]
}

/**
 * Lets actors do what they like, all at once, through two instances on one log, while the services do their part, the clock jumps and
 * anybody sends anything again; then lets time pass until nothing is left to do.
 */
export async function simulate({
  seed,
  actors: size,
  operations,
  store,
  realSettlement = false,
}: SimulationOptions): Promise<Simulated> {
  const random = randomFrom(seed)
  const int = (below: number) => Math.floor(random() * below)
  const chance = (p: number) => random() < p
  const world = await moneyWorld({ name: `simulation ${seed}`, ...(store && { store }) })
  const instances = [world.instance(), world.instance()] as const
  const sight = createSight()
  const services: [Service, by: string][] = [
    [createSettlement(), 'settlement'],
    [createChain(random), 'chain'],
  ]
  const list = memorySettlementList(world.store)
  const processes = instances.map((submit) =>
    createSettlementRunner({
      networkId: world.networkId,
      list,
      airdrop: (campaignId) => computeAirdrop(world.store, campaignId),
      submit,
      caughtUp: async () => {},
      signer: keyOf('settlement'),
      clock: () => world.clock.now,
      sleep: async () => {},
      onError: (error) => error instanceof DomainError || wrongs.push(`settlement: ${error}`),
    }),
  )
  const facts: Fact[] = []
  const fates = new Map<string, number>()
  const wrongs: string[] = []
  const sent: Envelope[] = []

  const watching = new AbortController()
  const watch = (async () => {
    for await (const message of world.store.subscribe({ signal: watching.signal }))
      if (message.kind === 'event') {
        const fact = decode(message.event)
        sight.see(fact)
        for (const [service] of services) service.see(fact, facts.length)
        facts.push(fact)
      }
  })().catch((error) => {
    if (!watching.signal.aborted) wrongs.push(String(error))
  })

  async function submit(instance: SubmitCommand, envelope: Envelope): Promise<string> {
    let fate = await fateOf(instance(envelope))
    // Whoever does not know asks again.
    while (fate === 'unknown') fate = await fateOf(instance(envelope))
    const key = `${envelope.command.type} ${fate}`
    fates.set(key, (fates.get(key) ?? 0) + 1)
    if (fate.startsWith('!')) wrongs.push(`${key} ${JSON.stringify(envelope.command)}`)
    return fate
  }

  const anyInstance = () => instances[int(2)]!

  async function live(me: Actor, choose: ReturnType<typeof createMarket>): Promise<void> {
    for (let n = 0; n < operations; n++) {
      passTime()
      const choice = choose(me)
      if (choice) {
        const { envelope } = choice
        sent.push(envelope)
        // Once, or to both at the same time; and something of old again.
        const copies = chance(0.1) ? instances : [anyInstance()]
        const answers = await Promise.all(copies.map((instance) => submit(instance, envelope)))
        if (answers.includes('accepted')) choice.accepted?.()
        if (choice.forbidden && answers.includes('accepted')) wrongs.push(`allowed to nobody: ${choice.what}`)
        if (chance(0.05)) {
          const again = sent[sent.length - 1 - int(Math.min(sent.length, 500))]!
          await submit(anyInstance(), again)
        }
      }
      await turn()
    }
  }

  function passTime(): void {
    if (chance(0.02)) world.clock.forward([0.1, 1, 5, 20][int(4)]!)
    if (chance(0.0005)) world.clock.forward(chance(0.5) ? 3600 : -100)
  }

  /** Sends what is due, the same to both instances now and then; answers how much there was. */
  async function serve(): Promise<number> {
    const due = services.flatMap(([service, by]) => service.due(world.clock.now.toISOString()).map((due) => [due, by] as const))
    if (realSettlement) await Promise.all(processes.map((process) => process.round()))
    const own = due.filter(([, by]) => !realSettlement || by !== 'settlement')
    await Promise.all(
      own.slice(0, 200).map(([due, by]) => {
        const envelope = orderOf(due, by)
        return Promise.all((chance(0.1) ? instances : [anyInstance()]).map((instance) => submit(instance, envelope)))
      }),
    )
    return due.length
  }

  let tries = 0
  const orderOf = ({ key, type, subject, data }: Due, by: string) =>
    world.order(keyOf(by), type, subject, data, { commandId: uuidV5(world.networkId, `${key} ${tries++ % 3}`) })

  const actors: Actor[] = []
  for (let n = 0; n < size; n++) {
    const signer = keyOf(`actor ${n}`)
    const walletId = await world.openWallet(signer)
    await world.send(keyOf('authority'), 'IssueTestDeposit', walletId, { amount: '1000000000' })
    actors.push({ name: `actor ${n}`, walletId, signer })
  }
  const choose = createMarket(world, actors, sight, random)
  let living = true
  const serving = (async () => {
    while (living) {
      await serve()
      await turn()
    }
  })()
  await Promise.all(actors.map((actor) => live(actor, choose)))
  living = false
  await serving
  await settle()
  if (realSettlement)
    for (const [table, rows] of Object.entries(await list.open())) if (rows.length) wrongs.push(`${table} holds ${rows.length}`)
  watching.abort()
  await watch
  return { facts, fates, wrongs }

  /** Lets time pass and everything come to its end. */
  async function settle(): Promise<void> {
    for (let round = 0; round < 10_000; round++) {
      await caughtUp()
      for (const { walletId, withdrawals } of sight.wallets.values())
        for (const [withdrawalId, { status }] of withdrawals.entries())
          if (status === 'review')
            await submit(
              instances[0],
              world.order(keyOf(stewardNames[0]!), 'ReviewWithdrawal', walletId, { withdrawalId, approve: false }),
            )
      await caughtUp()
      const left = await serve()
      world.clock.forward(600)
      const isOver = [...sight.escrows.values()].every(isTerminal)
      if (!left && isOver) return
      if (!left) continue
      // What a wallet owes is owed for ever, and so is what waits for it.
      const frozen = [...sight.wallets.values()].filter(({ shortfall }) => shortfall > 0n)
      for (const { walletId, shortfall } of frozen)
        await submit(
          instances[0],
          world.order(keyOf('authority'), 'IssueTestDeposit', walletId, {
            amount: String(shortfall > 10n ** 20n ? 10n ** 20n : shortfall),
          }),
        )
    }
    wrongs.push('it never comes to an end')
  }

  async function caughtUp(): Promise<void> {
    const head = await world.store.head()
    while (facts.at(-1)?.id !== head?.eventId && !wrongs.length) await turn()
  }
}

/** Its outcome or refusal; with a `!` before it what is neither. */
async function fateOf(outcome: ReturnType<SubmitCommand>): Promise<string> {
  try {
    return (await outcome).outcome
  } catch (error) {
    if (error instanceof DomainError) return error.code
    return error instanceof AppendOutcomeUnknown ? 'unknown' : `!${error}`
  }
}
