// The log's checkpoint: a signed note (C2SP signed-note) whose text says how many events there are and their Merkle root (C2SP tlog-checkpoint).
import { hash } from 'node:crypto'
import type { TreeHead } from './merkle.ts'

/** A checkpoint: what its signatures vouch for. */
export interface Checkpoint extends TreeHead {
  /** Which log: `duxnet/<networkId>`. */
  readonly origin: string
}

/** A signature line of a note. */
export interface NoteSignature {
  readonly name: string
  /** The first four bytes of what C2SP signed-note calls the key ID. */
  readonly keyHint: Buffer
  readonly signature: Buffer
}

export interface SignedNote {
  /** What is signed, its last line feed included. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** What is no signed note, or no checkpoint. */
export class NoteInvalid extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NoteInvalid'
  }
}

/** The origin of a network's log, and the name of its key. */
export const originOf = (networkId: string) => `duxnet/${networkId}`

/** A key that signs notes, and its name; `publicKey` is base64url. */
export interface NoteKey {
  readonly name: string
  readonly publicKey: string
}

/** Marks an Ed25519 key and its signatures (C2SP signed-note). */
const ed25519 = 1

/** The text of a checkpoint that is signed: origin, size, root, each a line. */
export function checkpointText({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}

/** Identifies a key in a note: the first four bytes of SHA-256(name, line feed, type, public key). `publicKey` is base64url. */
export function keyHintOf(name: string, publicKey: string, type = ed25519): Buffer {
  const named = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), Buffer.from(publicKey, 'base64url')])
  return hash('sha256', named, 'buffer').subarray(0, 4)
}

/** A key as verifiers take it (C2SP signed-note, verifier key): `<name>+<hint>+<key>`. */
export function verifierKeyOf(name: string, publicKey: string): string {
  const key = Buffer.concat([Buffer.of(ed25519), Buffer.from(publicKey, 'base64url')]).toString('base64')
  return `${name}+${keyHintOf(name, publicKey).toString('hex')}+${key}`
}

/** Reads what `verifierKeyOf` makes. Throws `NoteInvalid`. */
export const readVerifierKey = (text: string): NoteKey => readKey(text, ed25519)

/** Reads the verifier key of an Ed25519 key whose signatures are of a type. Throws `NoteInvalid`. */
export function readKey(text: string, type: number): NoteKey {
  const [, name, hint, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/.exec(text) ?? []
  if (name === undefined) throw new NoteInvalid('is no verifier key: <name>+<8 hex digits>+<base64>')
  const key = Buffer.from(encoded!, 'base64')
  if (key[0] !== type) throw new NoteInvalid(`is no Ed25519 key of type ${type}`)
  const publicKey = key.subarray(1).toString('base64url')
  if (keyHintOf(name, publicKey, type).toString('hex') !== hint) throw new NoteInvalid('its hash is not that of its name and key')
  return { name, publicKey }
}

/** The note with one signature more. `signature` is base64url, made over the text's UTF-8 bytes with the key of `publicKey`. */
export function signedNote(text: string, name: string, publicKey: string, signature: string): string {
  const bytes = Buffer.concat([keyHintOf(name, publicKey), Buffer.from(signature, 'base64url')])
  return `${text}\n— ${name} ${bytes.toString('base64')}\n`
}

const noteCharactersMax = 10_000

/** Reads a note, whoever signed it. Throws `NoteInvalid`. */
export function readNote(note: string): SignedNote {
  const middle = note.lastIndexOf('\n\n')
  if (note.length > noteCharactersMax || middle < 0 || !note.endsWith('\n')) throw new NoteInvalid('is no signed note')
  const signatures = note
    .slice(middle + 2, -1)
    .split('\n')
    .map((line) => {
      const [, name, encoded] = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/.exec(line) ?? []
      const bytes = Buffer.from(encoded ?? '', 'base64')
      if (name === undefined || bytes.length < 5 || bytes.toString('base64') !== encoded)
        throw new NoteInvalid('has a line that is no signature')
      return { name, keyHint: bytes.subarray(0, 4), signature: bytes.subarray(4) }
    })
  return { text: note.slice(0, middle + 1), signatures }
}

/** Reads the text of a checkpoint; lines behind its third are extensions, and left alone. Throws `NoteInvalid`. */
export function readCheckpoint(text: string): Checkpoint {
  const [origin, size, root] = text.split('\n')
  if (!origin || !/^(0|[1-9]\d{0,15})$/.test(size ?? '') || !Number.isSafeInteger(Number(size)))
    throw new NoteInvalid('is no checkpoint: it needs an origin and a size')
  const bytes = Buffer.from(root ?? '', 'base64')
  if (bytes.length !== 32 || bytes.toString('base64') !== root)
    throw new NoteInvalid('is no checkpoint: its root is not 32 bytes in base64')
  return { origin, size: Number(size), root: bytes }
}

/** What a note says, whoever signed it. Throws `NoteInvalid`. */
export function checkpointIn(note: string): Checkpoint {
  return readCheckpoint(readNote(note).text)
}

/** Verifies one signature over the bytes of a text; keys and signatures in base64url. */
export type Verify = (publicKey: string, message: Uint8Array, signature: string) => Promise<boolean>

/** A checkpoint that the key of `publicKey` signed as `origin`. Throws `NoteInvalid`. */
export async function openCheckpoint(note: string, origin: string, publicKey: string, verify: Verify): Promise<Checkpoint> {
  const { text, signatures } = readNote(note)
  const checkpoint = readCheckpoint(text)
  if (checkpoint.origin !== origin) throw new NoteInvalid(`is of ${checkpoint.origin}, not of ${origin}`)
  const hint = keyHintOf(origin, publicKey)
  const own = signatures.filter(({ name, keyHint }) => name === origin && keyHint.equals(hint))
  if (!own.length) throw new NoteInvalid(`is not signed by ${verifierKeyOf(origin, publicKey)}`)
  for (const { signature } of own)
    if (!(await verify(publicKey, Buffer.from(text), signature.toString('base64url'))))
      throw new NoteInvalid('its signature does not hold')
  return checkpoint
}
