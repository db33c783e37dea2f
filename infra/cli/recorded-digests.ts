import { createReadStream } from 'node:fs'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { readModels } from '../../projections/read-models.ts'
import { recordedOf } from './export-format.ts'

/** What was recorded in a log of its read models. */
export type RecordedDigests = Extract<Fact, { type: 'DigestsRecorded' }>['data']

/** All of it in an export, which is read without being checked: whoever folds it checks it. Throws what the file system throws. */
export async function recordedDigests(path: string): Promise<readonly RecordedDigests[]> {
  const found: RecordedDigests[] = []
  let rest = ''
  for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: chunkBytes })) {
    // Most chunks have none: they are not split.
    const end = chunk.lastIndexOf('\n')
    const lines = rest + chunk.slice(0, end + 1)
    rest = end < 0 ? lines + chunk : chunk.slice(end + 1)
    if (end < 0 || !lines.includes(marker)) continue
    for (const line of lines.split('\n')) {
      const fact = line.includes(marker) ? factIn(line) : undefined
      if (fact?.type === 'DigestsRecorded') found.push(fact.data)
    }
  }
  return found
}

const marker = '"type":"DigestsRecorded"'
const chunkBytes = 1024 * 1024

function factIn(line: string): Fact | undefined {
  try {
    return decode(recordedOf(JSON.parse(line)))
  } catch {
    // A damaged line is named by whoever folds the file.
    return undefined
  }
}

/** What `RecordDigests` takes. */
export function digestsToRecord(index: number, digests: Readonly<Record<string, string>>): RecordedDigests {
  return {
    index,
    digests: Object.fromEntries(readModels.map(({ name, version }) => [name, { version, digest: digests[name]! }])),
  }
}

/** How each recorded digest compares with what was folded to the same event. A line for people, and whether nothing differs. */
export function compareDigests(
  recorded: readonly RecordedDigests[],
  digestsAt: ReadonlyMap<number, Readonly<Record<string, string>>>,
): { readonly lines: readonly string[]; readonly isSame: boolean } {
  const lines: string[] = []
  let isSame = true
  const versions = new Map(readModels.map(({ name, version }) => [name, version]))
  for (const { index, digests } of recorded) {
    const folded = digestsAt.get(index)
    if (!folded) continue
    const own = Object.entries(digests).filter(([name, { version }]) => versions.get(name) === version)
    const different = own.filter(([name, { digest }]) => folded[name] !== digest).map(([name]) => name)
    const others = Object.keys(digests).length - own.length
    isSame &&= different.length === 0
    const skipped = others ? `, ${others} of other versions not compared` : ''
    lines.push(
      `recorded at event ${index}: ${different.length ? `DIFFERENT: ${different.join(', ')}` : `${own.length} equal`}${skipped}`,
    )
  }
  return { lines, isSame }
}
