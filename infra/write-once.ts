import { closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import { Failure } from './cli/command.ts'

/** Writes a file of mode 0600; it appears whole and on the disk, or not at all. Throws `Failure` when it is there already. */
export function writeOnce(path: string, text: string): void {
  const beside = `${path}.${process.pid}.new`
  try {
    const file = openSync(beside, 'wx', 0o600)
    writeSync(file, text)
    fsyncSync(file)
    closeSync(file)
    linkSync(beside, path)
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new Failure(
      taken ? `${path} is there already and is not overwritten` : `cannot write ${path}: ${(error as Error).message}`,
    )
  } finally {
    rmSync(beside, { force: true })
  }
}
