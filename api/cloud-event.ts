import { type Fact, nameOf } from '../domain/catalogue.ts'
import { subjectOf } from '../domain/subjects.ts'
import type { EventView } from '../projections/event-log.query.ts'

/** JSON of an event; the canonical text goes in as it is. */
export function eventText({
  index,
  position,
  leaf,
  canonical,
}: Pick<EventView, 'index' | 'position' | 'leaf' | 'canonical'>): string {
  return `{"index":${index},"position":"${position}","leaf":"${leaf.toString('hex')}","event":${canonical}}`
}

/** Who says what a listener hears. */
export interface EventSource {
  readonly networkId: string
  /** Address of an API that has the schemas, without a slash at its end. */
  readonly publicUrl: string
}

/** What NATS and WebSocket call a message in this format. */
export const cloudEventType = 'application/cloudevents+json'

interface CloudEvent {
  readonly id: string
  readonly traceparent: string | undefined
  readonly text: string
}

type ViewToSend = Omit<EventView, 'commandId' | 'signer'>

/** Where the JSON Schema of `data` of an event type is, on every API: `/schemas/NodeRegistered.v1`. */
export function schemaPath(type: string, schemaVersion: number): string {
  return `/schemas/${nameOf(type)}.v${schemaVersion}`
}

/**
 * An event as everybody hears it who listens, by SSE, WebSocket or NATS: the JSON of a CloudEvent (CloudEvents 1.0.2), in one line.
 * `data` is the event as `GET /v1/events` and webhooks have it. `sequence` orders the events of a network as text (the extension of that
 * name): its index in 16 digits. `position` is where to resume after it. The same event makes the same bytes, whoever sends it.
 */
export function cloudEventText(view: ViewToSend, source: EventSource): string {
  return cloudEventOf(view, source).text
}

/** The same with the attributes that a message has beside its body. */
export function cloudEventOf(view: ViewToSend, { networkId, publicUrl }: EventSource): CloudEvent {
  const { index, position, stream, type, recordedAt, canonical } = view
  // It was checked when it was taken into the read model.
  const { id, metadata } = JSON.parse(canonical) as Pick<Fact, 'id' | 'metadata'>
  const { traceparent, schemaVersion } = metadata
  const subject = subjectOf(stream)
  const optional = [
    ...(subject === undefined ? [] : [`"subject":"${subject}",`]),
    ...(traceparent === undefined ? [] : [`"traceparent":${JSON.stringify(traceparent)},`]),
  ].join('')
  const text = `{"specversion":"1.0","id":"${id}","source":"urn:uuid:${networkId}","type":"duxnet.${type}",${optional}"time":"${recordedAt}","datacontenttype":"application/json","dataschema":"${publicUrl}${schemaPath(type, schemaVersion)}","sequence":"${String(index).padStart(16, '0')}","position":"${position}","data":${eventText(view)}}`
  return { id, traceparent, text }
}
