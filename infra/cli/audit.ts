import { createReadStream } from 'node:fs'
import { z } from 'zod'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { canonicalJson, type Json } from '../../domain/canonical.ts'
import { cosignedBy, readWitnessKey } from '../../domain/cosignature.ts'
import { type CanonicalEvent, canonicalEvent } from '../../domain/event.ts'
import { leafHash, rootByInclusion } from '../../domain/merkle.ts'
import { checkpointIn, NoteInvalid, type NoteKey, openCheckpoint, readVerifierKey } from '../../domain/signed-note.ts'
import { tileWidth } from '../../projections/merkle-log.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'
import { exportFailure, linesOf } from './export-format.ts'
import { type FsckReport, fsck } from './fsck.ts'
import { readJsonFile } from './json-file.ts'
import { progressOf } from './progress.ts'

const keys = ['data'] as const

export const command: Command = {
  usage: `
duxnet audit prove EVENT [--url URL] > FILE
duxnet audit verify FILE --key KEY [--witnesses KEY,…]
duxnet audit fsck EXPORT [--key KEY] [--witnesses KEY,…]

prove asks an instance (the one of the data directory, or of --url) for the proof that an event is in the log that it signed. EVENT is
an index in the log, or the id of a command: then all events that it made.
verify checks such a file, and fsck an export, from the file alone: nothing is asked of anybody. fsck finds any changed, missing, moved
or added event and names its line, verifies every signature and makes every decision again.

  --key KEY  the log's verifier key, <name>+<hash>+<key>: verifierKey of GET /v1/log, from a source that you trust
  --witnesses KEY,…  verifier keys of witnesses (C2SP tlog-cosignature): each must have cosigned the log's checkpoint
  --url URL  address of an instance

Exit code: 0 all of it holds, 1 something does not.
${configHelp(keys)}`,
  options: { ...configOptions(keys), key: { type: 'string' }, witnesses: { type: 'string' }, url: { type: 'string' } },
  positionals: { min: 2, max: 2 },

  async run(values, [action, what]) {
    switch (action) {
      case 'prove':
        process.stdout.write(`${canonicalJson((await prove(await addressOf(values), what!)) as unknown as Json)}\n`)
        return exit.done
      case 'verify':
        process.stdout.write(await verify(what!, keyOf(values) ?? missingKey(), witnessesOf(values)))
        return exit.done
      case 'fsck':
        process.stdout.write(await check(what!, keyOf(values), witnessesOf(values)))
        return exit.done
      default:
        throw new UsageError(`there is no 'audit ${action}'; there are prove, verify and fsck`)
    }
  },
}

function missingKey(): never {
  throw new UsageError('--key is missing: a proof that anybody may have signed proves nothing')
}

const keyOf = ({ key }: Values) => (key === undefined ? undefined : given('--key', () => readVerifierKey(String(key))))

const witnessesOf = ({ witnesses }: Values) =>
  witnesses === undefined ? [] : given('--witnesses', () => String(witnesses).split(',').map(readWitnessKey))

function given<Key>(option: string, read: () => Key): Key {
  try {
    return read()
  } catch (error) {
    if (error instanceof NoteInvalid) throw new UsageError(`${option}: ${error.message}`)
    throw error
  }
}

async function addressOf(values: Values): Promise<string> {
  if (values.url !== undefined) return String(values.url).replace(/\/$/, '')
  const { config } = loadConfig(values)
  const { http } = await findRunning(config.data)
  if (http === undefined) throw new Failure(`the DuxNet on ${config.data} serves no API`)
  return http
}

const format = 'duxnet-proof-v1'
const hash = z.string().regex(/^[0-9a-f]{64}$/)
const index = z.int().nonnegative()
const eventSchema = z.object({
  id: z.string(),
  stream: z.string(),
  revision: index,
  type: z.string(),
  data: z.json(),
  metadata: z.json(),
})
const proofSchema = z.strictObject({
  format: z.literal(format),
  checkpoint: z.string(),
  events: z.array(z.strictObject({ index, event: eventSchema, proof: z.array(hash).max(64) })).min(1),
})
type ProofFile = z.infer<typeof proofSchema>

async function prove(url: string, what: string): Promise<ProofFile> {
  const indexes = /^\d{1,15}$/.test(what) ? [Number(what)] : await indexesOf(url, what)
  const { checkpoint } = z.object({ checkpoint: z.string().nullable() }).parse(await ask(url, '/v1/log'))
  if (checkpoint === null) throw new Failure(`${url} signs no checkpoints; ask the instance that has the role processes`)
  const size = checkpointIn(checkpoint).size
  const events = await Promise.all(
    indexes.map(async (index) => {
      const { proof } = z
        .object({ proof: z.array(hash) })
        .parse(await ask(url, `/v1/log/inclusion-proof?index=${index}&size=${size}`))
      return { index, event: await eventAt(url, index, size), proof }
    }),
  )
  return { format, checkpoint, events }
}

async function indexesOf(url: string, commandId: string): Promise<number[]> {
  const answer = z
    .object({ events: z.array(z.object({ index })) })
    .parse(await ask(url, `/v1/commands/${encodeURIComponent(commandId)}`))
  return answer.events.map(({ index }) => index)
}

/** The event as a tile has it. */
async function eventAt(url: string, index: number, size: number): Promise<z.infer<typeof eventSchema>> {
  const tile = Math.floor(index / tileWidth)
  const width = Math.min(tileWidth, size - tile * tileWidth)
  const digits = String(tile).padStart(Math.ceil(String(tile).length / 3) * 3, '0')
  const groups = digits.match(/\d{3}/g)!.map((group, n, all) => (n < all.length - 1 ? `x${group}` : group))
  const response = await fetch(`${url}/log/tile/entries/${groups.join('/')}${width < tileWidth ? `.p/${width}` : ''}`)
  if (!response.ok) throw new Failure(`${url} does not give event ${index}: ${response.status}`)
  const entries = Buffer.from(await response.arrayBuffer())
  let at = 0
  for (let skipped = tile * tileWidth; skipped < index; skipped++) at += 2 + entries.readUInt16BE(at)
  return eventSchema.parse(JSON.parse(entries.toString('utf8', at + 2, at + 2 + entries.readUInt16BE(at))))
}

async function ask(url: string, path: string): Promise<unknown> {
  const response = await fetch(`${url}${path}`).catch((error) => {
    throw new Failure(`${url} does not answer: ${error.message}`, { cause: error })
  })
  const body = (await response.json()) as { readonly title?: string; readonly detail?: string }
  if (!response.ok) throw new Failure(`${url}${path}: ${body.title ?? response.status}`)
  return body
}

/** Verifies a file of `prove`. Throws `Failure`. */
async function verify(path: string, { name, publicKey }: NoteKey, witnesses: readonly NoteKey[]): Promise<string> {
  const { data: file, error } = proofSchema.safeParse(readJsonFile(path))
  if (error) throw new Failure(`${path} is no proof: ${error.issues[0]!.path.join('.')} ${error.issues[0]!.message}`)
  const { checkpoint, events } = file
  const signed = await openCheckpoint(checkpoint, name, publicKey, verifySignature)
    .then(async (signed) => ({ ...signed, cosigned: await cosignedBy(checkpoint, witnesses, verifySignature) }))
    .catch((error) => {
      throw error instanceof NoteInvalid ? new Failure(`${path}: the checkpoint ${error.message}`) : error
    })
  const lines = events.map(({ index, event, proof }) => {
    const leaf = leafHash(canonicalEvent(event as CanonicalEvent))
    const root = rootByInclusion(
      leaf,
      index,
      signed.size,
      proof.map((text) => Buffer.from(text, 'hex')),
    )
    if (!root?.equals(signed.root)) throw new Failure(`${path}: event ${index} is not in the log that was signed`)
    return `event ${index}: ${event.type} of ${event.stream}@${event.revision} is in the log\n`
  })
  return `${lines.join('')}signed: ${signed.size} events, root ${signed.root.toString('hex')}, by ${name}\n${signed.cosigned.map(({ witness, at }) => `cosigned: by ${witness} at ${at}\n`).join('')}`
}

async function check(path: string, key: NoteKey | undefined, witnesses: readonly NoteKey[]): Promise<string> {
  try {
    const lines = linesOf(createReadStream(path, 'utf8'))
    return reportOf(await fsck(lines, { verify: verifySignature, key, witnesses, onProgress: progressOf('checking') }))
  } catch (error) {
    throw exportFailure(path, error)
  }
}

function reportOf({ networkId, first, last, root, signed, rules }: FsckReport): string {
  const by = signed && (signed.isPinned ? 'the key that was given' : `${signed.verifierKey}, which the log itself names`)
  const lines = [
    `network    ${networkId}`,
    `events     ${last === null ? 'none' : `${first} to ${last}, each with its leaf hash`}`,
    `root       ${root}`,
    signed ? `signed     at ${signed.size} events, by ${by}` : 'signed     by nobody',
    ...(signed?.cosigned ?? []).map(({ witness, at }) => `cosigned   at ${at}, by ${witness}`),
    rules
      ? `decisions  every signature verified, every decision made again by rules ${Object.entries(rules)
          .map(([category, version]) => `${category} ${version}`)
          .join(', ')}`
      : 'decisions  not made again: the export does not begin at event 0',
  ]
  return `${lines.join('\n')}\n`
}
