import { createHash, hash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { SnapshotStore } from '../../commands/ports.ts'
import { anyJson } from '../../domain/any-json.ts'

const snapshotSchema = z.strictObject({
  stream: z.string(),
  revision: z.int().nonnegative(),
  eventId: z.string(),
  rules: z.int(),
  state: anyJson,
  answers: anyJson,
})

export interface FileSnapshots extends SnapshotStore {
  /** Resolves when everything that was to be kept is. */
  idle(): Promise<void>
}

/**
 * Snapshots in a directory of this machine, one file a stream: a line with the SHA-256 of the rest, then JSON. What is torn, damaged or
 * of another form is as good as none. `onError` is told of what could not be written; nothing depends on it.
 */
export function fileSnapshots(directory: string, onError: (error: unknown) => void): FileSnapshots {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const pathOf = (stream: string) => join(directory, createHash('sha256').update(stream).digest('hex'))
  const writing = new Map<string, Promise<void>>()

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
      const body = JSON.stringify(snapshot)
      const beside = `${path}.${process.pid}.new`
      const written = writeFile(beside, `${hash('sha256', body)}\n${body}`, { mode: 0o600 })
        .then(() => rename(beside, path))
        .catch(async (error) => {
          onError(error)
          await rm(beside, { force: true }).catch(() => {})
        })
        .finally(() => writing.delete(path))
      writing.set(path, written)
    },
    async idle() {
      await Promise.all(writing.values())
    },
  }
}
