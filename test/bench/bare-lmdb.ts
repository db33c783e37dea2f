import { join } from 'node:path'
import { open } from 'lmdb'

/** LMDB alone, as durable as the event store: what is answered is on the disk. */
export interface BareLmdb {
  /** Each in a transaction of its own, one after the other: what a lone writer can have. */
  putAlone(record: Buffer): void
  /** Together with whatever else is put meanwhile. */
  put(records: readonly Buffer[]): Promise<unknown>
  count(): number
  close(): Promise<void>
}

export function openBareLmdb(directory: string): BareLmdb {
  const database = open<Buffer, Buffer>({
    path: join(directory, 'bare.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    overlappingSync: false,
  })
  let position = 0
  const nextKey = () => {
    const key = Buffer.allocUnsafe(8)
    key.writeBigUInt64BE(BigInt(++position))
    return key
  }
  return {
    putAlone(record) {
      database.putSync(nextKey(), record)
    },
    put(records) {
      return Promise.all(records.map((record) => database.put(nextKey(), record)))
    },
    count: () => database.getKeysCount(),
    close: () => database.close(),
  }
}
