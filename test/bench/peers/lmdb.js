import { join } from 'node:path'
import { open } from 'lmdb'

/** An empty database as durable as the event store: what is answered is on the disk. */
export function openLmdb(directory) {
  const database = open({ path: join(directory, 'bare.mdb'), encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
  let position = 0
  const nextKey = () => {
    const key = Buffer.allocUnsafe(8)
    key.writeBigUInt64BE(BigInt(++position))
    return key
  }
  return {
    putAlone: (record) => database.putSync(nextKey(), record),
    put: (records) => Promise.all(records.map((record) => database.put(nextKey(), record))),
    count: () => database.getKeysCount(),
    close: () => database.close(),
  }
}
