import { closeSync, fsyncSync, openSync } from 'node:fs'

/** A file is safe only when its name is; Windows has no such operation and needs none. */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}
