import type { Witness, WitnessAnswer } from '../../commands/ports.ts'

/** A checkpoint is given away as soon as all witnesses have answered: a slow one is not waited for. */
const answerMs = 2000
const answerBytesMax = 16_384

/** What hands checkpoints to the witness at `url` (C2SP tlog-witness, `add-checkpoint`). */
export function witnessAt(url: string): Witness['submit'] {
  return async (body): Promise<WitnessAnswer> => {
    const signal = AbortSignal.timeout(answerMs)
    const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body, signal, redirect: 'error' })
    const text = await textOf(response)
    if (response.ok) return { kind: 'cosigned', lines: text }
    if (response.status === 409 && /^\d{1,15}\n$/.test(text)) return { kind: 'conflict', size: Number(text) }
    throw new Error(`has answered ${response.status}: ${text.trim().slice(0, 200)}`)
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > answerBytesMax) throw new Error(`has answered more than ${answerBytesMax} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
