// All that an export can show of itself: its bytes, its root, who signed it, every signature in it and every decision.
import { deciders } from '../../commands/deciders.ts'
import type { VerifySignature } from '../../commands/ports.ts'
import { replayDecisions } from '../../commands/replay.ts'
import { type Cosigned, cosignedBy } from '../../domain/cosignature.ts'
import type { CanonicalEvent, RecordedEvent } from '../../domain/event.ts'
import { NoteInvalid, type NoteKey, openCheckpoint, originOf, verifierKeyOf } from '../../domain/signed-note.ts'
import { ExportDamaged, type ExportHeader, type ExportTrailer, each, readExport, recordedOf } from './export-format.ts'

export interface FsckOptions {
  readonly verify: VerifySignature
  /** Who must have signed it, as `readVerifierKey` reads it; the key that the log itself names unless given. */
  readonly key?: NoteKey | undefined
  /** Who must have cosigned it, each of them. */
  readonly witnesses?: readonly NoteKey[]
  /** Told of every event that was read, by how many there are so far. */
  readonly onProgress?: (events: number) => void
}

export interface FsckReport {
  readonly networkId: string
  /** First and last index; `last` is null for no events. */
  readonly first: number
  readonly last: number | null
  readonly root: string
  /** Who signed it and how long the log was then; undefined where nobody did. */
  readonly signed:
    | {
        readonly verifierKey: string
        readonly size: number
        readonly isPinned: boolean
        /** By the witnesses that were asked for. */
        readonly cosigned: readonly Cosigned[]
      }
    | undefined
  /** Versions of the rules by which every decision was made again; undefined for a part of a log, of which none can be. */
  readonly rules: Readonly<Record<string, number>> | undefined
}

/**
 * Checks an export from its lines alone. Throws `ExportDamaged`, which names the first line at fault: one that is not what was written, an
 * event whose command nobody may have signed or that does not follow from what is before it, or a checkpoint that does not hold.
 */
export async function fsck(
  lines: AsyncIterable<readonly string[]>,
  { verify, key, witnesses = [], onProgress }: FsckOptions,
): Promise<FsckReport> {
  let header: ExportHeader | undefined
  let trailer: ExportTrailer | undefined
  let logKey: string | undefined
  const lineOf = (index: number) => index - header!.range.from + 2

  async function* events(): AsyncGenerator<RecordedEvent> {
    const reader = each(readExport(lines))
    for (;;) {
      const { done, value } = await reader.next()
      if (done) {
        trailer = value.trailer
        return
      }
      if ('range' in value) header = value
      else {
        if (value.index === 0) logKey = founding(value.event, header!)
        onProgress?.(value.index - header!.range.from + 1)
        yield recordedOf(value)
      }
    }
  }

  const log = events()
  const first = await log.next()
  const isWhole = header!.range.from === 0
  if (!first.done && isWhole) {
    const namespace = first.value.stream.split('_')[0]!
    const { difference } = await replayDecisions(withFirst(first.value, log), { namespace, verify })
    if (difference) {
      const { event, reason } = difference
      throw new ExportDamaged(
        lineOf(Number(event.position)),
        `event ${event.position} (${event.type} of ${event.stream}) ${reason}`,
      )
    }
  } else for await (const _ of log);

  const { networkId, range } = header!
  const { last, root, count } = trailer!
  const signed = await signedBy(trailer!, networkId, lineOf(range.from + count))
  const rules = isWhole ? Object.fromEntries(Object.entries(deciders).map(([category, { rules }]) => [category, rules])) : undefined
  return { networkId, first: range.from, last, root, signed, rules }

  async function signedBy({ checkpoint }: ExportTrailer, networkId: string, line: number): Promise<FsckReport['signed']> {
    if (checkpoint === undefined) {
      const expected = key ?? witnesses[0]
      if (expected) throw new ExportDamaged(line, `nobody has signed this export, and ${expected.name} should have`)
      return undefined
    }
    const origin = originOf(networkId)
    if (key && key.name !== origin) throw new ExportDamaged(1, `the log is ${origin}, and the key is that of ${key.name}`)
    const publicKey = key?.publicKey ?? logKey
    // A part of a log does not say who signs it.
    if (publicKey === undefined) return undefined
    try {
      const { size } = await openCheckpoint(checkpoint, origin, publicKey, verify)
      const cosigned = await cosignedBy(checkpoint, witnesses, verify)
      return { verifierKey: verifierKeyOf(origin, publicKey), size, isPinned: key !== undefined, cosigned }
    } catch (error) {
      if (error instanceof NoteInvalid) throw new ExportDamaged(line, `the checkpoint ${error.message}`)
      throw error
    }
  }
}

/** The key that signs the log, as its founding names it. Throws `ExportDamaged` for the founding of another network. */
function founding({ type, data }: CanonicalEvent, { networkId }: ExportHeader): string | undefined {
  const founded = data as { readonly networkId?: unknown; readonly logKey?: unknown }
  if (type !== 'NetworkFounded' || founded.networkId !== networkId)
    throw new ExportDamaged(1, `the log does not begin with the founding of network ${networkId}`)
  return typeof founded.logKey === 'string' ? founded.logKey : undefined
}

async function* withFirst<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first
  yield* rest
}
