import { z } from 'zod'
import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import { keyOf } from './group.ts'
import { checkSettings, compiledFilter, type Definition } from './settings.ts'
import { configStream, type SystemEvent } from './system-stream.ts'

// The groups are what the events of one stream say: each sets a group, or ends it.

const defined = '$persistentSubscriptionDefined'
const deleted = '$persistentSubscriptionDeleted'

const named = z.object({ stream: z.string(), group: z.string() })
const definition: z.ZodType<Definition> = named.extend({
  startFrom: z.string(),
  first: z.number().nonnegative(),
  filter: z.object({ on: z.enum(['stream', 'type']), regex: z.string(), prefixes: z.array(z.string()) }).optional(),
  settings: z.object({
    resolveLinks: z.boolean(),
    extraStatistics: z.boolean(),
    messageTimeoutMs: z.number(),
    maxRetryCount: z.number(),
    checkpointAfterMs: z.number(),
    minCheckpointCount: z.number(),
    maxCheckpointCount: z.number(),
    maxSubscriberCount: z.number(),
    liveBufferSize: z.number(),
    readBatchSize: z.number(),
    historyBufferSize: z.number(),
    strategy: z.string(),
  }),
})

const encoded = (type: string, value: object): SystemEvent => ({ type, isJson: true, data: Buffer.from(JSON.stringify(value)) })

export const definedEvent = (definition: Definition): SystemEvent => encoded(defined, definition)
export const deletedEvent = ({ stream, group }: Definition): SystemEvent => encoded(deleted, { stream, group })

/** The groups that there are. Events that somebody else wrote there and that make no sense change nothing. */
export function loadDefinitions({ log, streams }: Store): Iterable<Definition> {
  const groups = new Map<string, Definition>()
  const { number, committed } = streams.get(configStream)
  if (number === undefined) return []
  log.scanStream(number, 0, committed.last, false, (_, position) => {
    apply(groups, new StoredRecord(log.record(position)!))
    return true
  })
  return groups.values()
}

function apply(groups: Map<string, Definition>, { type, data }: StoredRecord): void {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'))
    if (type === deleted) {
      const { stream, group } = named.parse(value)
      groups.delete(keyOf(stream, group))
    } else if (type === defined) {
      const group = definition.parse(value)
      checkSettings(group.stream, group.group, group.settings)
      compiledFilter(group.filter)
      groups.set(keyOf(group.stream, group.group), group)
    }
  } catch {
    // not one of ours
  }
}
