import type { SignedCommand } from '../../domain/envelope.ts'
import { DomainError, type RefusalCode } from '../../domain/errors.ts'
import { type Clock, type Signer, StoreUnavailable, type SubmitCommand } from '../ports.ts'
import { signCommand } from '../sign.ts'

/** An open item of a to-do list (design.md 12). */
export interface Todo {
  /** The same for as long as it is the same item. */
  readonly key: string
  /** What closes it, one after the other. */
  readonly commands: readonly SignedCommand[]
}

export interface TodoList {
  readonly todos: readonly Todo[]
  /** Where the read model stands that they are from; undefined where it does not say: items are then sent again until it shows their end. */
  readonly position?: bigint
}

export interface TodoRunnerDeps {
  /** The open items, the most urgent first. */
  readonly look: () => Promise<TodoList>
  readonly submit: SubmitCommand
  readonly signer: Signer
  readonly clock: Clock
  /** Resolves after `ms`, or at once when `signal` is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Told of whatever went wrong; the item stays open and is tried again. */
  readonly onError: (error: unknown) => void
  /** Refusals that only say that the read model does not show yet what has become of the item. */
  readonly behind: readonly RefusalCode[]
  /** Items under way at a time. */
  readonly underWayMax: number
  /** Milliseconds between looks, however often the read model moves; and how often, although it does not. */
  readonly pauseMs: number
  readonly tickMs: number
  /** A named point of a crash test: before and after each command. */
  readonly reached?: (point: string) => void
}

export interface TodoRunner {
  /** Looks once and waits for what was sent. Throws what `look` throws, and `StoreUnavailable`; any other failure only leaves its item open. */
  round(): Promise<void>
  /** The read model moved: the next look need not wait for its tick. */
  moved(): void
  /** Looks until `signal` is aborted and nothing is under way any more. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

/** An item that is left alone: until the read model has come to where its end is, or for a time. */
interface Rest {
  readonly until: { readonly position: bigint } | { readonly ms: number }
  /** Times in a row that it was refused. */
  readonly refusals: number
}

const retryMs = { first: 1000, last: 32_000 }

/** Works a to-do list off: items in, signed commands out. An item is under way once at a time, however often it is listed. */
export function createTodoRunner(deps: TodoRunnerDeps): TodoRunner {
  const { look, submit, signer, clock, sleep, onError, behind, underWayMax, pauseMs, tickMs, reached } = deps
  const underWay = new Set<string>()
  const resting = new Map<string, Rest>()
  let workers = 0
  let hasMoved = false
  let wake = () => {}

  /** Looks and begins; what it resolves with resolves when all is answered. */
  async function start(signal?: AbortSignal): Promise<{ readonly done: Promise<void> }> {
    const { todos, position } = await look()
    const listed = new Set(todos.map(({ key }) => key))
    for (const [key, rest] of resting) if (isOver(rest, position) && !listed.has(key)) resting.delete(key)
    const chosen = todos.filter(({ key }) => !underWay.has(key) && isOver(resting.get(key), position))
    return { done: work(chosen, position !== undefined, signal) }
  }

  function isOver(rest: Rest | undefined, position: bigint | undefined): boolean {
    if (!rest) return true
    const { until } = rest
    return 'ms' in until ? clock().getTime() >= until.ms : position !== undefined && position >= until.position
  }

  async function work(todos: readonly Todo[], mayRest: boolean, signal: AbortSignal | undefined): Promise<void> {
    for (const { key } of todos) underWay.add(key)
    const rest = todos.values()
    const worker = async () => {
      workers += 1
      try {
        for (const todo of rest) {
          await close(todo, mayRest)
          if (signal?.aborted) return
        }
      } finally {
        // While nobody was free, nobody looked.
        if (workers-- === underWayMax) moved()
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: Math.min(underWayMax - workers, todos.length) }, worker))
    for (const { key } of rest) underWay.delete(key)
    const failure = ends.find((end) => end.status === 'rejected')
    if (failure) throw failure.reason
  }

  async function close({ key, commands }: Todo, mayRest: boolean): Promise<void> {
    let until: Rest['until'] = { ms: clock().getTime() + retryMs.first }
    let refusals = 0
    try {
      for (const command of commands) {
        reached?.(`before ${command.type}`)
        const { position } = await submit(signCommand(signer, command))
        reached?.(`after ${command.type}`)
        if (position !== undefined) until = { position }
      }
    } catch (error) {
      if (error instanceof StoreUnavailable) throw error
      if (error instanceof DomainError) {
        refusals = (resting.get(key)?.refusals ?? 0) + 1
        until = { ms: clock().getTime() + Math.min(retryMs.first * 2 ** (refusals - 1), retryMs.last) }
      }
      if (!(error instanceof DomainError && behind.includes(error.code))) onError(error)
    } finally {
      underWay.delete(key)
      if (mayRest) resting.set(key, { until, refusals })
    }
  }

  function moved(): void {
    hasMoved = true
    wake()
  }

  async function run(signal: AbortSignal): Promise<void> {
    const working = new Set<Promise<unknown>>()
    const failed = (error: unknown) => signal.aborted || onError(error)
    const follow = (done: Promise<void>) => {
      const followed: Promise<unknown> = done.catch(failed).finally(() => working.delete(followed))
      working.add(followed)
    }
    const end = () => wake()
    signal.addEventListener('abort', end)
    while (!signal.aborted) {
      hasMoved = false
      if (workers < underWayMax) await start(signal).then(({ done }) => follow(done), failed)
      await sleep(pauseMs, signal)
      if (!hasMoved && !signal.aborted) await untilMoved(tickMs - pauseMs)
    }
    await Promise.all(working)
    signal.removeEventListener('abort', end)
  }

  async function untilMoved(limitMs: number): Promise<void> {
    const over = new AbortController()
    // With a reason of its own: the error that is made without one takes longer than all the rest.
    wake = () => over.abort('the read model moved')
    await sleep(limitMs, over.signal)
  }

  return {
    run,
    moved,
    async round() {
      await (await start()).done
    },
  }
}
