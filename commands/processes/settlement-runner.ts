import type { AirdropResult } from '../../domain/airdrop/result.ts'
import type { CampaignItem, ReadAt, SettlementList } from '../ports.ts'
import { airdropMoneyTodo, campaignTodo, publishTodo } from './airdrop.ts'
import { creditTodo, deadlineTodo, holdTodo, type Settling, sweepTodos } from './settlement.ts'
import { createTodoRunner, type Todo, type TodoList, type TodoRunner, type TodoRunnerDeps } from './todo-runner.ts'

/** The signer holds the network's service key `settlement`. */
export interface SettlementRunnerDeps
  extends Pick<TodoRunnerDeps, 'submit' | 'signer' | 'clock' | 'sleep' | 'onError' | 'reached'> {
  readonly networkId: string
  readonly list: SettlementList
  /** What the log makes of a campaign whose window is closed: a whole replay. */
  readonly airdrop: (campaignId: string) => Promise<AirdropResult>
  /** Resolves when the read models have come to what was the log's end when it was asked, or `signal` is aborted: what was done is not to be sent again. */
  readonly caughtUp: (signal: AbortSignal) => Promise<void>
}

/** `moved` tells of the read models of `SettlementList`. */
export type SettlementRunner = TodoRunner

/** What follows from events is done as soon as they are in the read model, with some rest for the events that come next. */
const reactions = { underWayMax: 64, pauseMs: 20, tickMs: 1000 }
/** What follows from the clock. */
const timers = { underWayMax: 16, pauseMs: 1000, tickMs: 1000 }

/** A replay of the whole log, one at a time. */
const replays = { underWayMax: 1, pauseMs: 1000, tickMs: 5000 }

/** Items that are read at a time, of each kind. */
const itemsMax = 1000
const contributionsMax = 10_000

/** Said by the streams when the read model is behind them; by an escrow's also where two clocks differ. */
const behind = ['CommandIdReused', 'EscrowNotInStatus', 'DeadlineNotReached', 'SweepOutOfOrder', 'PayoutsOutOfOrder'] as const

/**
 * Moves money on (design.md 13): holds into escrows, what escrows, transfers and spending owe into wallets, contributions into the
 * fund, airdrops to who claimed them; and ends what nobody ended in time. It decides nothing: which step may follow, and how much it moves, the streams say.
 */
export function createSettlementRunner({ networkId, list, airdrop, caughtUp, ...deps }: SettlementRunnerDeps): SettlementRunner {
  const settling = (): Settling => ({ networkId, now: deps.clock() })
  const reacting = createTodoRunner({ ...deps, ...reactions, behind, look: lookAtMoney })
  const timing = createTodoRunner({ ...deps, ...timers, behind, look: lookAtTime })
  const publishing = createTodoRunner({ ...deps, ...replays, behind, look: lookAtLists })

  /** Of campaigns that are not published yet. */
  const results = new Map<string, AirdropResult>()

  async function lookAtMoney(): Promise<TodoList> {
    const [holds, credits, money] = await Promise.all([list.holds(itemsMax), list.credits(itemsMax), list.airdropMoney(itemsMax)])
    const now = settling()
    return listed(
      todosOf(money, (items) => items.map((item) => airdropMoneyTodo(item, now))),
      todosOf(holds, (items) => items.map((item) => holdTodo(item, now))),
      todosOf(credits, (items) => items.map((item) => creditTodo(item, now))),
    )
  }

  async function lookAtTime(): Promise<TodoList> {
    const now = settling()
    const [due, unswept, campaigns] = await Promise.all([
      list.due(now.now, itemsMax),
      list.unsweptContributions(contributionsMax),
      list.campaigns(now.now, itemsMax),
    ])
    return listed(
      todosOf(campaigns, (items) => items.filter((item) => !isToPublish(item)).map((item) => campaignTodo(item, now))),
      todosOf(due, (items) => items.map((item) => deadlineTodo(item, now))),
      todosOf(unswept, (all) => sweepTodos(all, now)),
    )
  }

  async function lookAtLists(): Promise<TodoList> {
    const now = settling()
    const { value, position } = await list.campaigns(now.now, itemsMax)
    const campaigns = value.filter(isToPublish)
    const todos: Todo[] = []
    for (const { campaignId, pages } of campaigns) {
      // What a closed window comes to never changes: one replay is enough, however often it is looked at.
      const result = results.get(campaignId) ?? (await airdrop(campaignId))
      results.set(campaignId, result)
      todos.push(publishTodo(result, pages, now))
    }
    for (const id of results.keys()) if (!campaigns.some(({ campaignId }) => campaignId === id)) results.delete(id)
    return { todos, position }
  }

  return {
    moved: reacting.moved,
    async round() {
      await reacting.round()
      await timing.round()
      await publishing.round()
    },
    async run(signal) {
      await caughtUp(signal)
      await Promise.all([reacting.run(signal), timing.run(signal), publishing.run(signal)])
    },
  }
}

function todosOf<Value>({ value, position }: ReadAt<Value>, todos: (value: Value) => Todo[]): Required<TodoList> {
  return { todos: todos(value), position }
}

const isToPublish = ({ step }: CampaignItem) => step === 'publish'

/** Lists as one, as new as the oldest of them. */
function listed(...lists: readonly Required<TodoList>[]): TodoList {
  const position = lists.reduce((least, { position }) => (position < least ? position : least), lists[0]!.position)
  return { todos: lists.flatMap(({ todos }) => todos), position }
}
