import { linkType } from '../engine/links.ts'
import { isMetadataStream, metadataPrefix } from '../engine/streams.ts'
import type { SourceEvent } from './source-event.ts'

/** An event that a projection derives: into which stream, of which type, with what data and what beyond the usual metadata. */
export interface Derived {
  readonly stream: string
  readonly type: string
  readonly data: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** What a projection makes of one event of the log. */
export type Rule = (event: SourceEvent) => Derived | undefined

/** The system projections, in EventStoreDB's names. */
export const rules: Readonly<Record<string, Rule>> = {
  $by_category: byCategory,
  $by_correlation_id: byCorrelationId,
  $by_event_type: byEventType,
  $stream_by_category: streamByCategory,
  $streams: streams,
}

const referenceType = '$@'
const deletedMark = { $deleted: -1 }

function byCategory(event: SourceEvent): Derived | undefined {
  const deleted = deletedStream(event)
  const origin = deleted ?? event.stream
  const category = categoryOf(origin)
  if (category === undefined) return undefined
  const data = event.type === linkType ? event.text : event.reference
  return { stream: `$ce-${category}`, type: linkType, data, metadata: { $o: origin, ...(deleted !== undefined && deletedMark) } }
}

function byEventType(event: SourceEvent): Derived | undefined {
  if (event.isElsewhere || event.type === linkType) return undefined
  const deleted = deletedStream(event)
  const stream = isMetadataStream(event.stream) ? event.stream.slice(metadataPrefix.length) : event.stream
  return {
    stream: `$et-${deleted === undefined ? event.type : '$deleted'}`,
    type: linkType,
    data: `${event.targetRevision}@${stream}`,
    ...(deleted !== undefined && { metadata: deletedMark }),
  }
}

function byCorrelationId(event: SourceEvent): Derived | undefined {
  if (event.isElsewhere || event.type === linkType || event.correlationId === undefined) return undefined
  const timestamp = `${new Date(event.created).toISOString().slice(0, -1)}000Z`
  return {
    stream: `$bc-${event.correlationId}`,
    type: linkType,
    data: event.reference,
    metadata: { $eventTimestamp: timestamp },
  }
}

function streamByCategory({ revision, stream }: SourceEvent): Derived | undefined {
  const category = revision === 0 ? categoryOf(stream) : undefined
  return category === undefined ? undefined : { stream: `$category-${category}`, type: referenceType, data: stream }
}

function streams({ revision, stream }: SourceEvent): Derived | undefined {
  return revision === 0 ? { stream: '$streams', type: linkType, data: `0@${stream}` } : undefined
}

/** What stands before the first hyphen, if anything does; a stream of the system has none. */
function categoryOf(stream: string): string | undefined {
  const at = stream.indexOf('-')
  return at > 0 && !stream.startsWith('$') ? stream.slice(0, at) : undefined
}

/** The stream that an event deletes: by a tombstone, or by metadata that hides everything. */
function deletedStream(event: SourceEvent): string | undefined {
  if (!isMetadataStream(event.stream)) return event.type === '$streamDeleted' ? event.stream : undefined
  return event.type === '$metadata' && event.hidesEverything ? event.stream.slice(metadataPrefix.length) : undefined
}
