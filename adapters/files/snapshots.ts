import { createHash, hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { SnapshotStore } from '../../commands/ports.ts'
import { anyJson } from '../../domain/canonical.ts'

const snapshotSchema = z.strictObject({
  stream: z.string(),
  revision: z.int().nonnegative(),
  eventId: z.string(),
  rules: z.int(),
  state: anyJson,
  answers: anyJson,
})

/**
 * Snapshots in a directory of this machine, one file a stream: a line with the SHA-256 of the rest, then JSON. What is torn, damaged or
 * of another form is as good as none. `onError` is told of what could not be written; nothing depends on it.
 */
export function fileSnapshots(directory: string, onError: (error: unknown) => void): SnapshotStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const pathOf = (stream: string) => join(directory, createHash('sha256').update(stream).digest('hex'))
  const writing = new Set<string>()

  return {
    async find(stream) {
      try {
        const text = await readFile(pathOf(stream), 'utf8')
        const end = text.indexOf('\n')
        const body = text.slice(end + 1)
        if (text.slice(0, end) !== hash('sha256', body)) return undefined
        const snapshot = snapshotSchema.parse(JSON.parse(body))
        return snapshot.stream === stream ? snapshot : undefined
      } catch {
        return undefined
      }
    },
    keep(snapshot) {
      const path = pathOf(snapshot.stream)
      // The one after this will be newer still.
      if (writing.has(path)) return
      writing.add(path)
      const body = JSON.stringify(snapshot)
      const beside = `${path}.${process.pid}.new`
      writeFile(beside, `${hash('sha256', body)}\n${body}`, { mode: 0o600 })
        .then(() => rename(beside, path))
        .catch(async (error) => {
          onError(error)
          await rm(beside, { force: true }).catch(() => {})
        })
        .finally(() => writing.delete(path))
    },
  }
}
