import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import { keyOf } from './group.ts'
import type { Definition } from './settings.ts'
import { configStream, type SystemEvent } from './system-stream.ts'

// The groups are what the events of one stream say: each sets a group, or ends it.

const defined = '$persistentSubscriptionDefined'
const deleted = '$persistentSubscriptionDeleted'

const encoded = (type: string, value: object): SystemEvent => ({ type, isJson: true, data: Buffer.from(JSON.stringify(value)) })

export const definedEvent = (definition: Definition): SystemEvent => encoded(defined, definition)
export const deletedEvent = ({ stream, group }: Definition): SystemEvent => encoded(deleted, { stream, group })

/** The groups that there are, by key. */
export function loadDefinitions({ log, streams }: Store): Map<string, Definition> {
  const groups = new Map<string, Definition>()
  const { number, committed } = streams.get(configStream)
  if (number === undefined) return groups
  log.scanStream(number, 0, committed.last, false, (_, position) => {
    const event = new StoredRecord(log.record(position)!)
    const definition = JSON.parse(event.data.toString('utf8')) as Definition
    const key = keyOf(definition.stream, definition.group)
    if (event.type === defined) groups.set(key, definition)
    else if (event.type === deleted) groups.delete(key)
    return true
  })
  return groups
}
