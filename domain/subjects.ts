import type { DomainEvent } from './catalogue.ts'
import type { Category } from './stream.ts'

/** What the streams of a category tell of. */
const kinds: Readonly<Record<Category, string>> = {
  network: 'network',
  node: 'node',
  heartbeat: 'node',
  health: 'node',
  reputation: 'node',
}

/** What a stream's events are about, as readers ask for it: `node:<id>`; undefined for what is no stream of a network. */
export function subjectOf(stream: string): string | undefined {
  const [, category, id] = streamPattern.exec(stream) ?? []
  return category !== undefined && Object.hasOwn(kinds, category) ? `${kinds[category as Category]}:${id}` : undefined
}

const streamPattern = /^[a-z0-9]+_([a-zA-Z]+)-(.+)$/

/** What an event touches beside that, in no order: whoever asks for one of these sees it too. */
export function referencesOf(event: DomainEvent): readonly string[] {
  switch (event.type) {
    case 'NetworkFounded':
    case 'NodeRegistered':
    case 'NodeUpdated':
    case 'NodeKeyChanged':
    case 'NodeDeregistered':
    case 'HeartbeatRecorded':
    case 'NodeHealthChanged':
    case 'ReputationChanged':
      return []
  }
}
