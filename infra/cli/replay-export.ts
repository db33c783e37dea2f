// An export folded in two threads: one proves the file and folds what is made of its very bytes (event-log, merkle-log), this one
// decodes the events and folds all other read models. Both read the file, and both must have read the same.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { Worker } from 'node:worker_threads'
import type { RecordedEvent } from '../../domain/event.ts'
import { eventLog } from '../../projections/event-log.ts'
import { merkleLog } from '../../projections/merkle-log.ts'
import type { Projection } from '../../projections/projection.ts'
import { readModels } from '../../projections/read-models.ts'
import { createFold, type Folded } from '../../projections/replay.ts'
import { Failure } from './command.ts'
import { eventStart, exportFailure, linesOf, recordedOf } from './export-format.ts'

export interface ReplayOptions {
  /** Index of the last event to fold; the file is read and proved to its end all the same. */
  readonly to?: number | undefined
  /** Indexes of events behind which digests are wanted. */
  readonly at?: ReadonlySet<number> | undefined
  /** Told how many events both threads have folded. */
  readonly onProgress?: (count: number) => void
}

export interface Replayed extends Pick<Folded, 'count' | 'digests' | 'digestsAt'> {
  /** RFC 6962 root over all events of the file, in hexadecimal. */
  readonly root: string
}

/** What the proving thread is asked. */
export interface ProvingTask extends Pick<ReplayOptions, 'to' | 'at'> {
  readonly path: string
}

/** What it answers: how far it is, then what came of it, or what is wrong with the file. */
export type ProvingMessage =
  | { readonly kind: 'progress'; readonly count: number }
  | { readonly kind: 'failed'; readonly message: string }
  | ({ readonly kind: 'proved'; readonly root: string; readonly last: number | null; readonly fileHash: string } & Pick<
      Folded,
      'digests' | 'digestsAt'
    >)

type Proved = Extract<ProvingMessage, { kind: 'proved' }>

/** Of their events' bytes, and so folded where these are proved. */
export const byBytes: readonly Projection[] = [eventLog, merkleLog]

/** Throws `Failure` for a file that is damaged, is not the whole log, changes while it is read, or ends before `to`; `UnreadableEvent`, `FoldFailed`. */
export async function replayExport(path: string, { to, at, onProgress }: ReplayOptions = {}): Promise<Replayed> {
  const counts = { folded: 0, proved: 0 }
  const tell = () => onProgress?.(Math.min(counts.folded, counts.proved))
  const stopped = new AbortController()
  const proving = prove({ path, to, at }, (count) => {
    counts.proved = count
    tell()
  })
  proving.catch(() => stopped.abort())
  const folding = fold(path, { to, at, signal: stopped.signal }, (count) => {
    counts.folded = count
    tell()
  })
  const [proved, folded] = await Promise.allSettled([proving, folding])
  // What is wrong with the file comes first: it may be why its events make no sense.
  if (proved.status === 'rejected' && (proved.reason instanceof Failure || folded.status === 'fulfilled')) throw proved.reason
  if (folded.status === 'rejected') throw folded.reason
  const { root, last, fileHash, digests, digestsAt } = (proved as PromiseFulfilledResult<Proved>).value
  if (to !== undefined && (last ?? -1) < to) throw new Failure(`${path} ends at event ${last}`)
  if (fileHash !== folded.value.fileHash) throw new Failure(`${path} was changed while it was read`)
  return {
    count: folded.value.count,
    digests: inOrder({ ...digests, ...folded.value.digests }),
    digestsAt: new Map([...digestsAt].map(([index, some]) => [index, inOrder({ ...some, ...folded.value.digestsAt.get(index) })])),
    root,
  }
}

const inOrder = (digests: Readonly<Record<string, string>>) =>
  Object.fromEntries(readModels.map(({ name }) => [name, digests[name]!]))

async function prove(task: ProvingTask, onProgress: (count: number) => void): Promise<Proved> {
  const file = new URL(import.meta.url.endsWith('.ts') ? './replay-worker.ts' : './replay-worker.js', import.meta.url)
  const worker = new Worker(file, { workerData: task, name: 'proving' })
  try {
    return await new Promise<Proved>((resolve, reject) => {
      worker.on('message', (message: ProvingMessage) => {
        if (message.kind === 'progress') onProgress(message.count)
        else if (message.kind === 'failed') reject(new Failure(message.message))
        else resolve(message)
      })
      worker.once('error', reject)
      worker.once('exit', (code) => reject(new Error(`the thread that proves the file has ended (${code})`)))
    })
  } finally {
    await worker.terminate()
  }
}

async function fold(
  path: string,
  { to = Number.POSITIVE_INFINITY, at, signal }: Pick<ReplayOptions, 'to' | 'at'> & { readonly signal: AbortSignal },
  onProgress: (count: number) => void,
): Promise<Folded & { readonly fileHash: string }> {
  const others = readModels.filter((projection) => !byBytes.includes(projection))
  const folding = createFold(others, { onProgress, at })
  const file = hashedFile(path)
  let next = 0
  for await (const lines of linesOf(file.chunks)) {
    if (signal.aborted) break
    for (const line of lines) {
      if (next > to || !line.startsWith(eventStart)) continue
      folding.take(recordedAt(line, next++))
    }
  }
  return { ...folding.folded(), fileHash: file.hash() }
}

/** The event of a line as it says; whether that is so, the other thread sees. */
const recordedAt = (line: string, index: number): RecordedEvent => recordedOf({ ...JSON.parse(line), index })

/** The text of a file in chunks, and the hash of all bytes that were read. */
export function hashedFile(path: string) {
  const hash = createHash('sha256')
  async function* chunks(): AsyncGenerator<string> {
    const decoder = new StringDecoder('utf8')
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: chunkBytes })) {
        hash.update(chunk)
        yield decoder.write(chunk)
      }
      yield decoder.end()
    } catch (error) {
      throw exportFailure(path, error)
    }
  }
  return { chunks: chunks(), hash: () => hash.digest('hex') }
}

const chunkBytes = 256 * 1024
