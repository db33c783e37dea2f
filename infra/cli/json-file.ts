import { readFileSync } from 'node:fs'
import { Failure } from './command.ts'

/** The JSON of a file. Throws `Failure` for one that cannot be read or is none. */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}
