import { readFileSync, writeFileSync } from 'node:fs'
import type { CanonicalEvent } from '../../domain/event.ts'
import { exportLines } from '../../infra/cli/export-format.ts'

/** The events of a frozen log. */
export function frozenLog(name: string): readonly CanonicalEvent[] {
  const text = readFileSync(new URL(`../frozen/${name}`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Writes events as an export, up to index `to`; answers its path. */
export async function writeExport(path: string, events: readonly CanonicalEvent[], to: number | null = null): Promise<string> {
  const { networkId } = events[0]!.data as { networkId: string }
  async function* each() {
    yield* events
  }
  let text = ''
  for await (const line of exportLines(each(), { networkId, to })) text += line
  writeFileSync(path, text)
  return path
}
