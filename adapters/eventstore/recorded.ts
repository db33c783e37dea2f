import type { RecordedEvent as ClientEvent } from '@eventstore/db-client'
import type { Json } from '../../domain/canonical.ts'
import type { RecordedEvent } from '../../domain/event.ts'

/**
 * An event as the client gives it, in our terms. On the hot path of every rebuild: it copies fields and nothing else.
 * What is not JSON becomes text (base64 of its bytes), which no event's schema accepts: whoever decodes it says so.
 */
export function recorded(event: ClientEvent): RecordedEvent {
  return {
    id: event.id,
    stream: event.streamId,
    revision: Number(event.revision),
    type: event.type,
    data: json(event.data),
    metadata: event.metadata === undefined ? null : json(event.metadata),
    // Servers older than 22.6 leave it out of a stream's events; `supported` in connection.ts asks for a newer one.
    position: event.position!.commit,
    created: event.created,
  }
}

function json(value: unknown): Json {
  return value instanceof Uint8Array ? Buffer.from(value).toString('base64') : (value as Json)
}
