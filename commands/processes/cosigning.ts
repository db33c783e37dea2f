// The log's checkpoints are shown to witnesses, who cosign each that follows from the one they saw last (C2SP tlog-witness).
import { openCosignature, withCosignature } from '../../domain/cosignature.ts'
import { consistencyProof, type NodeAt } from '../../domain/merkle.ts'
import type { VerifySignature, Witness } from '../ports.ts'

export interface CosigningOptions {
  readonly witnesses: readonly Witness[]
  /** Nodes of the tree as they are stored. */
  readonly nodes: () => NodeAt
  readonly verify: VerifySignature
  /** Milliseconds that only go forward. */
  readonly clock: () => number
  /** Told of a witness that does not cosign, and why. */
  readonly onError: (error: Error) => void
}

/** How long a witness that gave nothing is left alone: every checkpoint waits for those that are asked. */
const pauseMs = 30_000

/** What adds cosignatures to a note about `size` events. */
export function createCosigning({ witnesses, nodes, verify, clock, onError }: CosigningOptions) {
  const states = witnesses.map((witness) => ({ witness, size: 0, askAt: Number.NEGATIVE_INFINITY }))

  return async function cosign(note: string, size: number): Promise<string> {
    const asked = states.filter(({ askAt }) => askAt <= clock())
    const answers = await Promise.all(
      asked.map(async (state) => {
        try {
          return { state, lines: await ask(state, note, size) }
        } catch (error) {
          state.askAt = clock() + pauseMs
          onError(new Error(`${state.witness.key.name}: ${(error as Error).message}`, { cause: error }))
          return undefined
        }
      }),
    )
    return answers.reduce((all, answer) => (answer ? withCosignature(all, answer.lines, answer.state.witness.key) : all), note)
  }

  /** The witness's lines, one of which holds. Whatever it saw last, by its own word, is what it is proved to go on from. */
  async function ask(state: (typeof states)[number], note: string, size: number): Promise<string> {
    const { key, submit } = state.witness
    let answer = await submit(await requestOf(state.size, note, size))
    if (answer.kind === 'conflict' && answer.size < size && answer.size !== state.size) {
      state.size = answer.size
      answer = await submit(await requestOf(state.size, note, size))
    }
    if (answer.kind === 'conflict')
      throw new Error(`has cosigned ${answer.size} events, and cannot be shown that these ${size} go on from there`)
    const own = withCosignature(note, answer.lines, key)
    if (!(await openCosignature(own, key, verify))) throw new Error('has answered without a cosignature of its key')
    state.size = size
    return answer.lines
  }

  async function requestOf(from: number, note: string, size: number): Promise<string> {
    const proof = await consistencyProof(nodes(), Math.min(from, size), size)
    const lines = [`old ${Math.min(from, size)}`, ...proof.map((hash) => hash.toString('base64')), '']
    return `${lines.join('\n')}\n${note}`
  }
}
