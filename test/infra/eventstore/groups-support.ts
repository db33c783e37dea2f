import { Consumer } from '../../../infra/embedded/eventstore/groups/consumer.ts'
import { Delivery } from '../../../infra/embedded/eventstore/groups/delivery.ts'
import type { Message } from '../../../infra/embedded/eventstore/groups/message.ts'
import { Progress } from '../../../infra/embedded/eventstore/groups/progress.ts'
import type { Settings, StrategyName } from '../../../infra/embedded/eventstore/groups/settings.ts'
import { strategyOf } from '../../../infra/embedded/eventstore/groups/strategies.ts'

export const settings: Settings = {
  resolveLinks: false,
  extraStatistics: false,
  messageTimeoutMs: 1_000,
  maxRetryCount: 3,
  checkpointAfterMs: 2_000,
  minCheckpointCount: 10,
  maxCheckpointCount: 1_000,
  maxSubscriberCount: 0,
  liveBufferSize: 500,
  readBatchSize: 20,
  historyBufferSize: 500,
  strategy: 'RoundRobin',
}

/** A consumer that keeps what it is sent. `flows` may be switched off. */
export function consumerOf(slots: number) {
  const received: Message[] = []
  const connection = { flows: true, send: (message: Message) => void received.push(message), drop: () => {} }
  const consumer = new Consumer({ slots, user: 'system', connectionName: 'test', connection })
  return { consumer, connection, received, ids: () => received.map(({ id }) => id) }
}

/** A delivery with a clock that is set by hand, fed with events whose places are 0, 1, 2 …; the id is the place. */
export function deliveryOf(options: Partial<Settings> = {}) {
  const chosen = { ...settings, ...options }
  const clock = { ms: 0 }
  const progress = new Progress(chosen, undefined)
  const parking: { message: Message; reason: string }[] = []
  const replayed: number[] = []
  const delivery = new Delivery(
    chosen,
    strategyOf(chosen.strategy as StrategyName),
    progress,
    { park: (message, reason) => void parking.push({ message, reason }), replayed: (revision) => void replayed.push(revision) },
    () => clock.ms,
  )
  let next = 0
  const found = (bucket: number, id = String(next)) => ({ id, event: next, link: undefined, bucket })
  return {
    delivery,
    progress,
    clock,
    parking,
    replayed,
    add(bucket = 0, id?: string) {
      delivery.add(found(bucket, id), next++)
    },
    pass: () => progress.pass(next++),
    replay: (revision: number) => delivery.replay({ id: `parked-${revision}`, event: 0, link: revision, bucket: 0 }, revision),
  }
}
