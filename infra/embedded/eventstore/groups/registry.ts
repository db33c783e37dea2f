import type { Store } from '../store.ts'
import type { Consumer } from './consumer.ts'
import { definedEvent, deletedEvent, loadDefinitions } from './definitions.ts'
import { GroupFailure } from './failure.ts'
import { Group, keyOf } from './group.ts'
import type { GroupInfo } from './info.ts'
import { checkSettings, type Definition, type FilterSettings, type Settings } from './settings.ts'
import { resolveStart, type Start } from './start-from.ts'
import { checkpointStream, clear, configStream, parkedStream, type SystemEvent, write } from './system-stream.ts'

/** How often timeouts and checkpoints are looked at. */
const checkMs = 1_000

export interface GroupRequest {
  /** A stream, or `$all`. */
  readonly stream: string
  readonly group: string
  readonly start: Start
  readonly settings: Settings
  /** Of `$all` only; an update keeps the one that the group was made with. */
  readonly filter?: FilterSettings | undefined
}

/**
 * All persistent subscription groups of a store, whoever asks: gRPC and HTTP say the same things to it.
 *
 * * `create`, `update`, `remove` and `restart` resolve once the change is durable. They are done one after another.
 * * `info`, `list` and `listOf` answer at once; `count…` and averages in what they answer are since anybody last asked.
 * * `replayParked` starts the replay and answers at once. The parked messages themselves are links in the stream
 *   `parkedStream(key)`, visible ones first to last; `info().parkedMessageCount` says how many.
 * * `connect` adds a consumer and answers the group, for `ack`, `nack`, `resume` and `disconnect`.
 *
 * Whatever cannot be done throws (or rejects with) a GroupFailure, whose `kind` says why. Nobody's rights are checked here.
 */
export class Groups {
  readonly #store: Store
  readonly #now: () => number
  readonly #groups = new Map<string, Group>()
  /** Streams that have groups, or had them since the start. */
  readonly #streams = new Set<string>()
  readonly #timer: NodeJS.Timeout
  #changes: Promise<unknown> = Promise.resolve()

  constructor(store: Store, now: () => number = () => performance.now()) {
    this.#store = store
    this.#now = now
    for (const definition of loadDefinitions(store)) this.#start(definition)
    this.#timer = setInterval(() => {
      for (const group of this.#groups.values()) group.check()
    }, checkMs)
    this.#timer.unref()
  }

  create(request: GroupRequest): Promise<void> {
    return this.#change(async () => {
      const { stream, group, filter } = request
      if (this.#groups.has(keyOf(stream, group))) throw GroupFailure.exists(stream, group)
      const definition = this.#definition(request, filter)
      await this.#save(definition, definedEvent(definition))
      this.#start(definition)
    })
  }

  /** Keeps checkpoint, parked messages and filter; consumers are dropped. */
  update(request: GroupRequest): Promise<void> {
    return this.#change(async () => {
      const former = this.#find(request.stream, request.group).definition
      const definition = this.#definition(request, former.filter)
      this.#stop(former)
      await this.#replace(former, definition, () => this.#save(definition, definedEvent(definition)))
    })
  }

  /** Removes checkpoint and parked messages too; consumers are dropped. */
  remove(stream: string, group: string): Promise<void> {
    return this.#change(async () => {
      const { definition } = this.#find(stream, group)
      const key = keyOf(stream, group)
      this.#stop(definition)
      await this.#replace(definition, undefined, () => {
        clear(this.#store, checkpointStream(key))
        clear(this.#store, parkedStream(key))
        return this.#save(definition, deletedEvent(definition))
      })
    })
  }

  /** Starts every group anew from what is stored; consumers are dropped. */
  restart(): Promise<void> {
    return this.#change(async () => {
      const definitions = [...this.#groups.values()].map(({ definition }) => definition)
      for (const definition of definitions) this.#stop(definition)
      // Behind this empty write everything is durable that the groups had written before.
      await new Promise<void>((resolve) => write(this.#store, configStream, [], () => resolve()))
      this.#groups.clear()
      this.#streams.clear()
      for (const definition of definitions) this.#start(definition)
    })
  }

  info(stream: string, group: string): GroupInfo {
    return this.#find(stream, group).info()
  }

  list(): GroupInfo[] {
    return [...this.#groups.values()].map((group) => group.info())
  }

  /** Throws GroupFailure when the stream has no groups and had none. */
  listOf(stream: string): GroupInfo[] {
    if (!this.#streams.has(stream)) throw GroupFailure.unknown(stream, '')
    return [...this.#groups.values()].filter(({ definition }) => definition.stream === stream).map((group) => group.info())
  }

  /** `stopAt`: the first revision of the parked stream that is left there. */
  replayParked(stream: string, group: string, stopAt: number | undefined): void {
    if (stopAt !== undefined && stopAt < 0)
      throw GroupFailure.refused(stream, group, 'Cannot stop replaying parked messages before the first one.')
    this.#find(stream, group).replayParked(stopAt)
  }

  connect(stream: string, group: string, consumer: Consumer): Group {
    const found = this.#find(stream, group)
    found.connect(consumer)
    return found
  }

  /** Nothing is written from now on. Resolves when changes under way are done. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const group of this.#groups.values()) group.close()
    await this.#changes
    for (const group of this.#groups.values()) group.close()
  }

  #find(stream: string, group: string): Group {
    const found = this.#groups.get(keyOf(stream, group))
    if (!found) throw GroupFailure.unknown(stream, group)
    return found
  }

  #definition({ stream, group, start, settings }: GroupRequest, filter: FilterSettings | undefined): Definition {
    if (stream === '' || stream === '$$') throw GroupFailure.refused(stream, group, 'This is no name of a stream.')
    const place = resolveStart(this.#store, stream, group, start)
    checkSettings(stream, group, settings)
    return { stream, group, ...place, filter, settings }
  }

  #start(definition: Definition): void {
    this.#streams.add(definition.stream)
    this.#groups.set(keyOf(definition.stream, definition.group), new Group(this.#store, definition, this.#now))
  }

  #stop({ stream, group }: Definition): void {
    this.#find(stream, group).stop(GroupFailure.dropped(stream, group))
  }

  /** Puts another definition, or none, in the place of a stopped group once that is stored; else the group goes on as it was. */
  async #replace(former: Definition, definition: Definition | undefined, store: () => Promise<void>): Promise<void> {
    try {
      await store()
    } catch (error) {
      this.#start(former)
      throw error
    }
    if (definition) this.#start(definition)
    else this.#groups.delete(keyOf(former.stream, former.group))
  }

  #save({ stream, group }: Definition, event: SystemEvent): Promise<void> {
    return new Promise((resolve, reject) =>
      write(this.#store, configStream, [event], (error) =>
        error ? reject(new GroupFailure('not-stored', stream, group, `Nothing was written: ${error.message}`)) : resolve(),
      ),
    )
  }

  #change(change: () => Promise<void>): Promise<void> {
    const done = this.#changes.then(change)
    this.#changes = done.catch(() => {})
    return done
  }
}
