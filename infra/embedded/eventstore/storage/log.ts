import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { crc32 } from 'node:zlib'
import { type Database, open, type RootDatabase } from 'lmdb'
import { CorruptRecord, checkRecord, StoredRecord } from './record.ts'

/** One event to store. `stream` is the number under which the log knows the stream. */
export interface Entry {
  readonly position: number
  readonly stream: number
  readonly revision: number
  readonly record: Buffer
}

/** What one transaction writes: all of it or nothing. */
export interface Commit {
  readonly entries: readonly Entry[]
  /** Streams that get their first event in this commit. */
  readonly newStreams: readonly { readonly name: string; readonly stream: number }[]
  /** Values kept beside the events, by name; each replaces its former one. */
  readonly marks: ReadonlyMap<string, Buffer>
  /** The position that the next event will have: written when positions were given out to no event. */
  readonly nextPosition: number | undefined
}

export interface Log {
  /** The position that the next event gets, and the number that the next stream gets. */
  readonly nextPosition: number
  readonly nextStream: number
  /**
   * Resolves once everything is flushed to disk, which is also when readers see it. Rejects when nothing of it was stored.
   * `isAlone`: one request waits for it and no other.
   */
  write(commit: Commit, isAlone: boolean): Promise<void>
  streamNumber(name: string): number | undefined
  positionOf(stream: number, revision: number): number | undefined
  /** The newest value of a mark. Throws CorruptRecord when it is damaged. */
  mark(name: string): Buffer | undefined
  /** The record at a position; its bytes are the caller's. */
  record(position: number): Buffer | undefined
  /** Calls `visit` with revision and position, ascending or descending, until it answers false. Bounds are inclusive. */
  scanStream(
    stream: number,
    from: number,
    to: number,
    reverse: boolean,
    visit: (revision: number, position: number) => boolean,
  ): void
  /** Calls `visit` with position and record in the order of the log, or backwards, until it answers false. Bounds are inclusive. */
  scanAll(from: number, to: number, reverse: boolean, visit: (position: number, record: Buffer) => boolean): void
  close(): Promise<void>
}

/** LMDB keys may have 1,978 bytes; longer names, and those close to it, are known by their digest. */
const longestNameKey = 1_024

/** Changes when the tables or their keys mean something else. */
const format = 1

/**
 * A lone commit is done in this thread while commits take less than this: to hand it to another thread and back takes a good part
 * of the time that the disk takes, and nobody waits behind it. On a slower disk readers would.
 */
const longestPauseMs = 2

const positionKey = Buffer.from('nextPosition')
const formatKey = Buffer.from('format')

/**
 * Opens the log in a directory, or one that vanishes when it is closed or the process ends.
 *
 * Durability: LMDB's own commit, without `overlappingSync`, `noSync`, `noMetaSync` or `mapAsync`. A transaction writes its pages
 * to free places, flushes them, then writes and flushes the page that points to them; only then does `write` resolve and
 * do readers see it. So a crash at any moment, power loss included, leaves the state before or after a transaction.
 */
export function openLog(directory: string | undefined): Log {
  const folder = directory ?? mkdtempSync(join(tmpdir(), 'duxnet-eventstore-mem-'))
  const { root, events, index, streams, state } = openTables(folder, directory === undefined)
  // The open files outlive their names, and the kernel frees them however the process ends.
  if (directory === undefined && process.platform !== 'win32') rmSync(folder, { recursive: true, force: true })

  let closing: Promise<void> | undefined
  let commitMs = 0 // a moving average

  function put({ entries, newStreams, marks, nextPosition }: Commit): void {
    for (const { name, stream } of newStreams) streams.put(nameKey(name), fourBytes(stream))
    for (const { position, stream, revision, record } of entries) {
      const place = eightBytes(position)
      events.put(place, record)
      index.put(indexKey(stream, revision), place)
    }
    for (const [name, value] of marks) state.put(markKey(name), withChecksum(value))
    if (nextPosition !== undefined) state.put(positionKey, eightBytes(nextPosition))
  }

  return {
    nextPosition: Math.max(readEightBytes(lastKey(events) ?? zero, 0) + 1, numberAt(state, positionKey) ?? 1),
    nextStream: (lastKey(index) ?? zero).readUInt32BE() + 1,

    async write(commit, isAlone) {
      const started = performance.now()
      if (isAlone && commitMs < longestPauseMs) root.transactionSync(() => put(commit))
      else await root.batch(() => put(commit)).catch(throwReason)
      commitMs += (performance.now() - started - commitMs) / 8
      root.resetReadTxn()
    },

    streamNumber(name) {
      return streams.getBinaryFast(nameKey(name))?.readUInt32BE(0)
    },

    mark(name) {
      const bytes = state.getBinary(markKey(name))
      return bytes && withoutChecksum(bytes, name)
    },

    positionOf(stream, revision) {
      const place = index.getBinaryFast(indexKey(stream, revision))
      return place && readEightBytes(place, 0)
    },

    record(position) {
      const record = events.getBinary(eightBytes(position))
      if (record) checkRecord(record, position)
      return record
    },

    scanStream(stream, from, to, reverse, visit) {
      const [low, high] = [indexKey(stream, from), afterKey(indexKey(stream, to))]
      const range = reverse ? { start: high, end: low, reverse, inclusiveEnd: true } : { start: low, end: high }
      for (const { key, value } of index.getRange(range)) {
        if (!visit(readEightBytes(key, 4), readEightBytes(value, 0))) break
      }
    },

    scanAll(from, to, reverse, visit) {
      const [low, high] = [eightBytes(from), afterKey(eightBytes(to))]
      const range = reverse ? { start: high, end: low, reverse, inclusiveEnd: true } : { start: low, end: high }
      for (const { key, value } of events.getRange(range)) {
        const position = readEightBytes(key, 0)
        checkRecord(value, position)
        if (!visit(position, value)) break
      }
    },

    close() {
      closing ??= root.close().then(() => {
        if (directory === undefined) rmSync(folder, { recursive: true, force: true })
      })
      return closing
    },
  }
}

/** lmdb says why a commit failed in a promise of its own, which must be looked at lest it ends the process. */
async function throwReason(failure: Error & { commitError?: Promise<never> }): Promise<never> {
  const reason = failure.commitError?.catch((error: Error) => error)
  throw (await Promise.race([reason, setTimeout(1_000)])) ?? failure
}

export const readRecord = (log: Log, position: number): StoredRecord | undefined => {
  const bytes = log.record(position)
  return bytes && new StoredRecord(bytes)
}

const markKey = (name: string) => Buffer.from(`mark ${name}`)

function withChecksum(value: Buffer): Buffer {
  const checksum = Buffer.allocUnsafe(4)
  checksum.writeUInt32LE(crc32(value))
  return Buffer.concat([checksum, value])
}

function withoutChecksum(bytes: Buffer, name: string): Buffer {
  const value = bytes.subarray(4)
  if (bytes.length < 4 || bytes.readUInt32LE(0) !== crc32(value)) throw new CorruptRecord(`the mark '${name}' is damaged`)
  return value
}

type Table = Database<Buffer, Buffer>

/** Throws an Error that names the directory when its files cannot be opened, or are of another format. */
function openTables(folder: string, isTemporary: boolean) {
  try {
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'log.mdb')
    if (existsSync(path)) checkHeader(path)
    const root: RootDatabase<Buffer, Buffer> = open({
      path,
      encoding: 'binary',
      keyEncoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false, // a transaction is what one `batch` holds
      noSync: isTemporary,
      maxDbs: 8,
    })
    const table = (name: string): Table => root.openDB({ name, encoding: 'binary', keyEncoding: 'binary' })
    const state = table('state')
    const found = numberAt(state, formatKey)
    if (found === undefined) state.putSync(formatKey, eightBytes(format))
    else if (found !== format) throw new Error(`its format is ${found}, and this program reads ${format}`)
    syncDirectory(folder)
    return { root, events: table('events'), index: table('index'), streams: table('streams'), state }
  } catch (error) {
    throw new Error(`the log in ${folder} cannot be opened: ${(error as Error).message}`, { cause: error })
  }
}

/** LMDB's own mark, 0xBEEFC0DE, within the first bytes of its files. Given another file, lmdb ends the whole process. */
const mark = Buffer.from('dec0efbe', 'hex')

function checkHeader(path: string): void {
  const header = Buffer.alloc(64)
  const descriptor = openSync(path, 'r')
  const length = readSync(descriptor, header)
  closeSync(descriptor)
  // An empty file is one that a crash left before anything was in it.
  if (length > 0 && !header.includes(mark)) throw new Error('log.mdb is not a file of LMDB')
}

/** A file is safe only when its name is; Windows has no such operation and needs none. */
function syncDirectory(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function lastKey(table: Table): Buffer | undefined {
  for (const key of table.getKeys({ reverse: true, limit: 1 })) return key
  return undefined
}

function numberAt(table: Table, key: Buffer): number | undefined {
  const value = table.getBinaryFast(key)
  return value && readEightBytes(value, 0)
}

const zero = Buffer.alloc(8)

function nameKey(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8')
  if (bytes.length <= longestNameKey) return Buffer.concat([plainName, bytes])
  return Buffer.concat([digestOfName, createHash('sha256').update(bytes).digest()])
}

const plainName = Buffer.of(0)
const digestOfName = Buffer.of(1)

function fourBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function eightBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  writeEightBytes(bytes, 0, value)
  return bytes
}

function indexKey(stream: number, revision: number): Buffer {
  const bytes = Buffer.allocUnsafe(12)
  bytes.writeUInt32BE(stream)
  writeEightBytes(bytes, 4, revision)
  return bytes
}

/** Big-endian, so that keys sort as numbers; `tombstoneRevision` (2^63) and safe integers are exact. */
function writeEightBytes(target: Buffer, at: number, value: number): void {
  target.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  target.writeUInt32BE(value % 2 ** 32, at + 4)
}

const readEightBytes = (bytes: Buffer, at: number) => bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4)

/** The smallest key above all that start with the given one: bounds become inclusive. */
const afterKey = (key: Buffer) => Buffer.concat([key, plainName])
