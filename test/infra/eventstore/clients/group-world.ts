import type { PersistentSubscriptionToAll, PersistentSubscriptionToStream } from '@eventstore/db-client'
import { streamName, type World } from './world.ts'

export type Consumer = PersistentSubscriptionToStream | PersistentSubscriptionToAll
export interface Delivery {
  readonly event?: { readonly revision: bigint; readonly data: unknown } | undefined
  readonly link?: { readonly streamId: string } | undefined
  readonly retryCount?: number
}
/** What a consumer takes back as an acknowledgement. */
export type Acknowledged = Parameters<PersistentSubscriptionToStream['ack']>[0]

/** `{n}` of a delivery. */
export const n = ({ event }: Delivery) => (event!.data as { n: number }).n

type Settings = Parameters<World['persistentSubscriptionToStreamSettingsFromDefaults']>[0]

/** A stream with so many events and a group that begins at its start. */
export async function groupOf(world: World, events: number, settings: Settings = {}) {
  const { client, write, tick, persistentSubscriptionToStreamSettingsFromDefaults } = world
  const [stream, name] = [streamName('grouped'), streamName('group')]
  if (events > 0)
    await write(
      stream,
      Array.from({ length: events }, (_, index) => tick(index)),
    )
  const all = persistentSubscriptionToStreamSettingsFromDefaults({ startFrom: 'start', ...settings })
  await client.createPersistentSubscriptionToStream(stream, name, all)
  return {
    stream,
    name,
    connect: (bufferSize = 10) => client.subscribeToPersistentSubscriptionToStream(stream, name, { bufferSize }),
    info: () => client.getPersistentSubscriptionToStreamInfo(stream, name),
  }
}

/** Handles deliveries until so many have come, then disconnects: at once, which the last acknowledgement need not survive, or later. */
export async function consume(
  consumer: Consumer,
  count: number,
  handle: (delivery: never) => Promise<unknown>,
  settled = async () => true,
): Promise<Delivery[]> {
  const taken: Delivery[] = []
  for await (const delivery of consumer as AsyncIterable<Delivery>) {
    await handle(delivery as never)
    if (taken.push(delivery) === count) break
  }
  await until(settled, 'the server has heard of it')
  await consumer.unsubscribe()
  return taken
}

export const acking = (consumer: Consumer, count: number) => consume(consumer, count, (delivery) => consumer.ack(delivery))

/** Asks again and again until it is so. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 20)))
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`)
}
