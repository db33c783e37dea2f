import { randomUUID } from 'node:crypto'
import { Access } from './engine/access.ts'
import { Feed } from './engine/feed.ts'
import { RecentIds, rememberedIds } from './engine/recent-ids.ts'
import { noStream } from './engine/rules.ts'
import { Streams } from './engine/streams.ts'
import { type Proposal, Writer } from './engine/writer.ts'
import { type Log, openLog } from './storage/log.ts'
import { StoredRecord } from './storage/record.ts'

/** The event store without its network: a log, who writes to it, and what wakes its readers. */
export interface Store {
  readonly log: Log
  readonly streams: Streams
  readonly access: Access
  readonly writer: Writer
  readonly feed: Feed
  /** Finishes what was accepted and closes the files. */
  close(): Promise<void>
}

/** Opens the store in a directory, or one in memory. A new store gets the few system events that clients expect in every log. */
export async function openStore(directory: string | undefined): Promise<Store> {
  const log = openLog(directory)
  const streams = new Streams(log)
  const recentIds = new RecentIds()
  const end = log.nextPosition - 1
  rememberNewest(log, recentIds, end)
  const feed = new Feed(end)
  const writer = new Writer(log, streams, recentIds, feed)
  if (end === 0) await seed(writer)
  return {
    log,
    streams,
    access: new Access(log, streams),
    writer,
    feed,
    async close() {
      await writer.drained()
      await log.close()
    },
  }
}

/** A request whose answer was lost in a crash is still recognised when it is sent again. */
function rememberNewest(log: Log, recentIds: RecentIds, end: number): void {
  const newest: { stream: string; id: string; revision: number; position: number }[] = []
  log.scanAll(0, end, true, (position, bytes) => {
    const { stream, id, revision } = new StoredRecord(bytes)
    return newest.push({ stream, id, revision, position }) < rememberedIds
  })
  const numbers = new Map<string, number>()
  for (const { stream, id, revision, position } of newest.reverse()) {
    const number = numbers.get(stream) ?? log.streamNumber(stream)!
    numbers.set(stream, number)
    recentIds.add(number, id, { revision, position })
  }
}

const systemStreams = ['$settings', '$users', '$stats']
const forAdministrators = Buffer.from('{"$acl":{"$r":"$admins","$w":"$admins","$d":"$admins","$mr":"$admins","$mw":"$admins"}}')

async function seed(writer: Writer): Promise<void> {
  const written = systemStreams.map((stream) => {
    const event: Proposal = {
      id: randomUUID(),
      type: Buffer.from('$metadata'),
      isJson: true,
      metadata: Buffer.alloc(0),
      data: forAdministrators,
    }
    return new Promise<void>((resolve, reject) =>
      writer.append(`$$${stream}`, noStream, [event], (outcome) => (outcome.kind === 'failed' ? reject(outcome.error) : resolve())),
    )
  })
  await Promise.all(written)
}
