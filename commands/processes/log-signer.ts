import { appendLeaf, emptyTree, frontierAt, leafHash, type MerkleFrontier, type NodeAt, rootOf } from '../../domain/merkle.ts'
import { checkpointText, openCheckpoint, signedNote } from '../../domain/signed-note.ts'
import type { Signer, VerifySignature } from '../ports.ts'

/** The log as the signer reads it. Throws what the read models throw. */
export interface SignedLog {
  /** The tree as the read model has it. */
  tree(): Promise<MerkleFrontier>
  /** Nodes of the tree as they are stored. */
  nodes(): NodeAt
  /** The stored texts of the events from `from` on; a few hundred, and none only where there are none. */
  textsFrom(from: number): Promise<readonly string[]>
}

/** Where the last checkpoint is kept: beside the key, not in the database that is to be proved. */
export interface NoteKeeper {
  last(): string | undefined
  /** Resolves when it is on the disk. */
  keep(note: string): Promise<void>
}

export interface LogSignerOptions {
  /** Name of the log and of its key. */
  readonly origin: string
  readonly signer: Signer
  readonly verify: VerifySignature
  readonly log: SignedLog
  readonly notes: NoteKeeper
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
  /** Adds the signatures of witnesses to a checkpoint, of those that give one in time. Never throws. */
  readonly cosign?: (note: string, size: number) => Promise<string>
  /** Told of what makes it wait, and of `LogForked`. */
  readonly onError: (error: Error) => void
}

/** What is stored is not what was signed before, or not what its own tree says. Nothing is signed until somebody has looked. */
export class LogForked extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'LogForked'
  }
}

export interface LogSigner {
  /** The newest signed checkpoint; undefined before the first. */
  checkpoint(): string | undefined
  /** The read model of the log moved. */
  moved(): void
  /** Until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>
}

/** Between two checkpoints. */
const restMs = 1000
const retryMs = 5000
/** The read model may be moved by another process, which wakes nobody here. */
const lookMs = 15_000

/**
 * Signs the log's Merkle root. Before that it hashes again every event that is stored since the last checkpoint, and goes on from the
 * very tree that was signed then: what is signed next always has it for its beginning.
 */
export function createLogSigner({ origin, signer, verify, log, notes, cosign, sleep, onError }: LogSignerOptions): LogSigner {
  let note = notes.last()
  let signed: MerkleFrontier | undefined
  let wake: (() => void) | undefined
  let isLate = true

  async function advance(): Promise<void> {
    const now = await log.tree()
    let tree = (signed ??= await signedBefore(now.size))
    if (now.size < tree.size) throw new LogForked(`the log has ${now.size} events, but ${tree.size} were signed`)
    while (tree.size < now.size) {
      const texts = await log.textsFrom(tree.size)
      if (!texts.length) throw new Error(`the read model of the log lacks event ${tree.size}`)
      for (const text of texts.slice(0, now.size - tree.size)) tree = appendLeaf(tree, leafHash(text))
    }
    const root = rootOf(tree)
    if (!root.equals(rootOf(now)))
      throw new LogForked(
        `the ${now.size} events stored, behind the ${signed.size} signed before, do not have the root of their tree`,
      )
    if (now.size === signed.size && note !== undefined) return
    const text = checkpointText({ origin, size: now.size, root })
    const next = signedNote(text, origin, signer.publicKey, signer.sign(Buffer.from(text)))
    // Kept before anybody is told: a checkpoint that was given away is never forgotten.
    await notes.keep(next)
    signed = tree
    note = cosign ? await cosign(next, now.size) : next
    if (note !== next) await notes.keep(note)
  }

  /** The tree of the last checkpoint, from the stored nodes: they are believed only because its root is what was signed. */
  async function signedBefore(size: number): Promise<MerkleFrontier> {
    if (note === undefined) return emptyTree
    const last = await openCheckpoint(note, origin, signer.publicKey, verify)
    if (size < last.size) throw new LogForked(`the log has ${size} events, but ${last.size} were signed`)
    const tree = await frontierAt(log.nodes(), last.size)
    if (!rootOf(tree).equals(last.root)) throw new LogForked(`the first ${last.size} events are not those that were signed`)
    return tree
  }

  return {
    checkpoint: () => note,
    moved() {
      isLate = true
      wake?.()
    },
    async run(signal) {
      while (!signal.aborted) {
        isLate = false
        let pauseMs = restMs
        try {
          await advance()
        } catch (error) {
          if (!signal.aborted) onError(error as Error)
          pauseMs = retryMs
        }
        await sleep(pauseMs, signal)
        if (isLate || signal.aborted) continue
        const stop = new AbortController()
        wake = () => stop.abort()
        await sleep(lookMs, AbortSignal.any([signal, stop.signal]))
        wake = undefined
      }
    },
  }
}
