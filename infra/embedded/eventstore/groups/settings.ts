import type { Filter } from '../engine/filter.ts'
import { filterBy } from '../engine/filter.ts'
import { GroupFailure } from './failure.ts'

/** How a group delivers. Numbers are taken as they come, negative ones too, as EventStoreDB takes them. */
export interface Settings {
  readonly resolveLinks: boolean
  readonly extraStatistics: boolean
  /** 0: expires at the next check. */
  readonly messageTimeoutMs: number
  readonly maxRetryCount: number
  /** 0: never by time. */
  readonly checkpointAfterMs: number
  readonly minCheckpointCount: number
  readonly maxCheckpointCount: number
  /** 0: any number. */
  readonly maxSubscriberCount: number
  readonly liveBufferSize: number
  readonly readBatchSize: number
  readonly historyBufferSize: number
  readonly strategy: string
}

/** Which events of `$all` a group is about. */
export interface FilterSettings {
  readonly on: 'stream' | 'type'
  readonly regex: string
  readonly prefixes: readonly string[]
}

/** All that is kept of a group besides its progress. */
export interface Definition {
  /** A stream, or `$all`. */
  readonly stream: string
  readonly group: string
  /** As it was asked for: `0` is the start and `-1` the end of a stream, `C:0/P:0` and `C:-1/P:-1` of `$all`. */
  readonly startFrom: string
  /** The first place to deliver while there is no checkpoint: for a group that began at the end, where that was. */
  readonly first: number
  readonly filter?: FilterSettings | undefined
  readonly settings: Settings
}

export const strategyNames = ['DispatchToSingle', 'RoundRobin', 'Pinned', 'PinnedByCorrelation'] as const
export type StrategyName = (typeof strategyNames)[number]

/** Throws GroupFailure that says what cannot be. */
export function checkSettings(stream: string, group: string, settings: Settings): void {
  if (!strategyNames.some((name) => name === settings.strategy))
    throw GroupFailure.refused(stream, group, `Consumer strategy ${settings.strategy} does not exist.`)
  if (settings.readBatchSize >= settings.historyBufferSize)
    throw GroupFailure.refused(stream, group, 'The read batch size must be smaller than the history buffer size.')
}

/** Throws SyntaxError when the expression cannot be read. */
export const compiledFilter = (filter: FilterSettings | undefined): Filter | undefined =>
  filter && filterBy(filter.on, filter.regex, filter.prefixes)
