// Witnesses' cosignatures of checkpoints (C2SP tlog-cosignature v1, Ed25519): somebody else has seen that the log only grew, and when.
import { keyHintOf, NoteInvalid, type NoteKey, readKey, readNote, type Verify } from './signed-note.ts'

/** Marks an Ed25519 key whose signatures are cosignatures. */
const cosignature = 4

/** A cosignature that holds. */
export interface Cosigned {
  readonly witness: string
  /** When the witness had seen no longer tree than this one; an instant, to the second. */
  readonly at: string
}

/** Reads a witness's verifier key, `<name>+<hint>+<key>`. Throws `NoteInvalid`. */
export const readWitnessKey = (text: string): NoteKey => readKey(text, cosignature)

/** The bytes that a witness signs: a head line, its time in seconds since 1970, and the checkpoint's text. */
export function cosignedBytes(text: string, seconds: bigint): Buffer {
  return Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`)
}

/** Signature lines of a note, or of what a witness answered behind the note, that are this witness's. */
function linesOf(note: string, { name, publicKey }: NoteKey) {
  const hint = keyHintOf(name, publicKey, cosignature)
  return readNote(note).signatures.filter((line) => line.name === name && line.keyHint.equals(hint))
}

/** The witness's cosignature of a note; undefined where it has none. Throws `NoteInvalid` for one that does not hold. */
export async function openCosignature(note: string, witness: NoteKey, verify: Verify): Promise<Cosigned | undefined> {
  const { text } = readNote(note)
  for (const { signature } of linesOf(note, witness)) {
    const seconds = signature.length === timeBytes + 64 ? signature.readBigUInt64BE() : undefined
    if (seconds === undefined || seconds > secondsMax) throw new NoteInvalid(`has no time in the cosignature of ${witness.name}`)
    const signed = signature.subarray(timeBytes).toString('base64url')
    if (!(await verify(witness.publicKey, cosignedBytes(text, seconds), signed)))
      throw new NoteInvalid(`its cosignature by ${witness.name} does not hold`)
    return { witness: witness.name, at: new Date(Number(seconds) * 1000).toISOString() }
  }
  return undefined
}

/** The cosignatures of all these witnesses. Throws `NoteInvalid` where one is missing or does not hold. */
export async function cosignedBy(note: string, witnesses: readonly NoteKey[], verify: Verify): Promise<readonly Cosigned[]> {
  return Promise.all(
    witnesses.map(async (witness) => {
      const cosigned = await openCosignature(note, witness, verify)
      if (!cosigned) throw new NoteInvalid(`is not cosigned by ${witness.name}`)
      return cosigned
    }),
  )
}

/** The note with the first line of `lines` that is this witness's; as it is where there is none. Throws `NoteInvalid` for what are no signature lines. */
export function withCosignature(note: string, lines: string, witness: NoteKey): string {
  const [line] = linesOf(note + lines, witness)
  if (!line) return note
  return `${note}— ${line.name} ${Buffer.concat([line.keyHint, line.signature]).toString('base64')}\n`
}

const timeBytes = 8
/** The end of the year 9999: what an instant can say. */
const secondsMax = 253_402_300_799n
