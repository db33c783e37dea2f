import type { EventStoreDBClient } from '@eventstore/db-client'

export interface Listeners {
  /** Resolves when so many more events have been heard in all. */
  hear(more: number): Promise<void>
}

/** Subscribes to what comes, once with each client, and counts what is heard. */
export async function listen(clients: readonly EventStoreDBClient[], stream: string): Promise<Listeners> {
  let heard = 0
  let wanted = Number.POSITIVE_INFINITY
  let enough = () => {}
  const count = () => {
    if (++heard === wanted) enough()
  }
  for (const client of clients) {
    const subscription = client.subscribeToStream(stream, { fromRevision: 'end' })
    await new Promise<void>((resolve, reject) => {
      subscription.once('confirmation', resolve)
      subscription.once('error', reject)
      subscription.on('data', count)
    })
  }
  return {
    hear(more) {
      return new Promise((resolve) => {
        wanted = heard + more
        enough = resolve
      })
    },
  }
}
