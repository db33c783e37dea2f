import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Sizes are in bytes. */
export interface Machine {
  readonly memoryBytes: number
  readonly heapBytes: number
  readonly uptimeMs: number
  /** Of a store on disk. */
  readonly disk: { readonly directory: string; readonly usedBytes: number; readonly freeBytes: number } | undefined
}

export async function lookAtMachine(directory: string | undefined): Promise<Machine> {
  const { rss, heapUsed } = process.memoryUsage()
  return {
    memoryBytes: rss,
    heapBytes: heapUsed,
    uptimeMs: performance.now(),
    disk: directory === undefined ? undefined : await lookAtDisk(directory),
  }
}

async function lookAtDisk(directory: string) {
  const files = await readdir(directory, { recursive: true, withFileTypes: true })
  const sizes = files.filter((file) => file.isFile()).map((file) => sizeOf(join(file.parentPath, file.name)))
  const { bavail, bsize } = await statfs(directory)
  return { directory, usedBytes: (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0), freeBytes: bavail * bsize }
}

/** A file may be gone by now. */
const sizeOf = (path: string) =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )
