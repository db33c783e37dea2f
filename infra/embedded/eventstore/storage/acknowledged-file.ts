import { closeSync, existsSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { LogFile } from './log-file.ts'

/** Two slots in sectors of their own, written in turn: one is whole whatever happens to the other. */
const slotOffsets = [0, 512]
const fileSize = 1024
/** CRC-32 of what follows, begun with the log's own number; how many times it was written before; the length. */
const slotSize = 20

interface Slot {
  readonly turn: number
  readonly length: number
}

/** The file that says how far the log is acknowledged. */
export class AcknowledgedFile {
  readonly #descriptor: number
  readonly #seed: number
  #turn: number

  private constructor(descriptor: number, seed: number, turn: number) {
    this.#descriptor = descriptor
    this.#seed = seed
    this.#turn = turn
  }

  /** Opens the file, or makes it. */
  static open(
    path: string,
    seed: number,
  ): { readonly acknowledged: AcknowledgedFile /** undefined: no slot is whole. */; readonly length: number | undefined } {
    const newest = readAcknowledged(path, seed)
    const descriptor = openSync(path, newest ? 'r+' : 'w+')
    if (!newest) writeSync(descriptor, Buffer.alloc(fileSize), 0, fileSize, 0)
    return { acknowledged: new AcknowledgedFile(descriptor, seed, (newest?.turn ?? -1) + 1), length: newest?.length }
  }

  /** The file has its room, so that this works on a full disk too. */
  write(length: number): void {
    const slot = encodeSlot({ turn: this.#turn, length }, this.#seed)
    writeSync(this.#descriptor, slot, 0, slotSize, slotOffsets[this.#turn % 2]!)
    this.#turn++
  }

  flush(): void {
    fdatasyncSync(this.#descriptor)
  }

  close(): void {
    closeSync(this.#descriptor)
  }
}

/** The newest whole slot; undefined when there is none, or no file. */
export function readAcknowledged(path: string, seed: number): Slot | undefined {
  const [first, second] = readSlots(path).map((slot) => decodeSlot(slot, seed))
  return first && second ? (first.turn > second.turn ? first : second) : (first ?? second)
}

/**
 * Lets a log that another process may be writing end where it was acknowledged; without a whole note, where its file ends. Throws
 * when the file is shorter than that.
 */
export function endAtAcknowledged(file: LogFile, notes: string): void {
  // The note first: whatever is written meanwhile, the file holds what it speaks of.
  const acknowledged = readAcknowledged(notes, file.seed)?.length
  file.measure()
  if (acknowledged === undefined) return
  if (file.end < acknowledged) throw new Error(`${file.path} has ${file.end} bytes, and ${acknowledged} were acknowledged`)
  file.end = acknowledged
}

/** Where the first slot is that was written and is not whole. */
export function damagedSlot(path: string, seed: number): number | undefined {
  const damaged = readSlots(path).findIndex((slot) => slot.some((byte) => byte !== 0) && !decodeSlot(slot, seed))
  return damaged < 0 ? undefined : slotOffsets[damaged]
}

function readSlots(path: string): readonly Buffer[] {
  if (!existsSync(path)) return []
  const bytes = Buffer.alloc(fileSize)
  const descriptor = openSync(path, 'r')
  readSync(descriptor, bytes, 0, fileSize, 0)
  closeSync(descriptor)
  return slotOffsets.map((at) => bytes.subarray(at, at + slotSize))
}

function encodeSlot({ turn, length }: Slot, seed: number): Buffer {
  const slot = Buffer.alloc(slotSize)
  slot.writeDoubleLE(turn, 4)
  slot.writeDoubleLE(length, 12)
  slot.writeUInt32LE(crc32(slot.subarray(4), seed), 0)
  return slot
}

function decodeSlot(slot: Buffer, seed: number): Slot | undefined {
  if (crc32(slot.subarray(4), seed) !== slot.readUInt32LE(0)) return undefined
  return { turn: slot.readDoubleLE(4), length: slot.readDoubleLE(12) }
}
