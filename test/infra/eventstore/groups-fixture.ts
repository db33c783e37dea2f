import { randomUUID } from 'node:crypto'
import { Access } from '../../../infra/embedded/eventstore/engine/access.ts'
import { Feed } from '../../../infra/embedded/eventstore/engine/feed.ts'
import { RecentIds } from '../../../infra/embedded/eventstore/engine/recent-ids.ts'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { Streams } from '../../../infra/embedded/eventstore/engine/streams.ts'
import { Writer } from '../../../infra/embedded/eventstore/engine/writer.ts'
import { Consumer } from '../../../infra/embedded/eventstore/groups/consumer.ts'
import type { GroupFailure } from '../../../infra/embedded/eventstore/groups/failure.ts'
import type { Message } from '../../../infra/embedded/eventstore/groups/message.ts'
import { Groups } from '../../../infra/embedded/eventstore/groups/registry.ts'
import { CorruptRecord } from '../../../infra/embedded/eventstore/storage/header.ts'
import { type Commit, type Log, openLog } from '../../../infra/embedded/eventstore/storage/log.ts'
import type { Store } from '../../../infra/embedded/eventstore/store.ts'
import { settings } from './groups-support.ts'

/** A real log whose disk can be full, and whose records can be damaged. */
function faultyLog() {
  const log = openLog(undefined)
  const faults = { isFull: false, damaged: -1 }
  const faulty: Log = Object.assign(Object.create(log), {
    write: (commit: Commit, isAlone: boolean) =>
      faults.isFull ? Promise.reject(new Error('no space left')) : log.write(commit, isAlone),
    record(position: number) {
      if (position === faults.damaged) throw new CorruptRecord(position, 'log', 0)
      return log.record(position)
    },
  })
  return { log: faulty, faults }
}

/** Groups on a store of their own, without a network. */
export async function withGroups(run: (fixture: Fixture) => Promise<void>): Promise<void> {
  const { log, faults } = faultyLog()
  const streams = new Streams(log)
  const feed = new Feed(0)
  const writer = new Writer(log, streams, new RecentIds(), feed)
  const store: Store = { log, streams, feed, writer, access: new Access(log, streams), close: () => log.close() }
  const groups = new Groups(store)
  try {
    await run({ store, groups, faults })
  } finally {
    await groups.close()
    await writer.drained()
    await store.close()
  }
}

export interface Fixture {
  readonly store: Store
  readonly groups: Groups
  readonly faults: ReturnType<typeof faultyLog>['faults']
}

export function append({ writer }: Store, stream: string): Promise<string> {
  const nothing = Buffer.alloc(0)
  const event = { id: randomUUID(), type: Buffer.from('Ticked'), isJson: true, metadata: nothing, data: Buffer.from('{}') }
  return new Promise((resolve) => writer.append(stream, any, [event], ({ kind }) => resolve(kind)))
}

export const orders = { stream: 'orders', group: 'group', start: 'start' as const }
export const often = { ...settings, maxCheckpointCount: 1 }

export function consumer(slots = 10) {
  const received: Message[] = []
  const dropped: GroupFailure[] = []
  const connection = {
    flows: true,
    send: (message: Message) => void received.push(message),
    drop: (reason: GroupFailure) => void dropped.push(reason),
  }
  return { received, dropped, consumer: new Consumer({ slots, user: 'system', connectionName: 'test', connection }) }
}
