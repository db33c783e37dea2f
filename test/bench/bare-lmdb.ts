// What is used of the peer. It is installed apart and loaded by a path that the type checker does not follow.

/** LMDB alone, as durable as the event store: what is answered is on the disk. */
export interface BareLmdb {
  /** Each in a transaction of its own, one after the other: what a lone writer can have. */
  putAlone(record: Buffer): void
  /** Together with whatever else is put meanwhile. */
  put(records: readonly Buffer[]): Promise<unknown>
  count(): number
  close(): Promise<void>
}

export async function openBareLmdb(directory: string): Promise<BareLmdb> {
  const path = new URL('./peers/lmdb.js', import.meta.url).href
  const { openLmdb } = (await import(path)) as { openLmdb(directory: string): BareLmdb }
  return openLmdb(directory)
}
