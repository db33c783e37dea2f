import { join } from 'node:path'
import { type Command, exit, Failure } from '../../cli/command.ts'
import { progressOf } from '../../cli/progress.ts'
import { isLocked } from '../../file-lock.ts'
import { copyLog } from './storage/copy.ts'
import { type Contents, verifyLog } from './storage/verify.ts'

/** What `duxnet eventstore` does with a log besides serving it. */
export const tools: Readonly<Record<string, Command>> = {
  verify: {
    usage: `
duxnet eventstore verify DIR

Reads all of the log in DIR and checks every record, that no stream has a gap, and what is kept beside the log against it. Names
the first thing that is not as it was written. A store that runs on DIR is not disturbed.`,
    options: {},
    positionals: { min: 1, max: 1 },
    async run(_, [directory]) {
      const isInUse = isLocked(join(directory!, 'hold'))
      return report('good', () => verifyLog(directory!, isInUse, progressOf('verifying')))
    },
  },

  backup: {
    usage: `
duxnet eventstore backup DIR TO

Copies the log in DIR, with everything that is acknowledged when this begins, to the directory TO, and checks every record of the
copy. TO must be empty or not there. A store that runs on DIR is not disturbed. --db TO serves a copy as it is.`,
    options: {},
    positionals: { min: 2, max: 2 },
    run: async (_, [from, to]) => report('copied', () => copyLog(from!, to!, progressOf('verifying'))),
  },

  restore: {
    usage: `
duxnet eventstore restore FROM DIR

Copies a backup to the directory DIR, which must be empty or not there, and checks every record of the copy.`,
    options: {},
    positionals: { min: 2, max: 2 },
    run: async (_, [from, to]) => report('copied', () => copyLog(from!, to!, progressOf('verifying'))),
  },
}

function report(done: string, look: () => Contents): number {
  try {
    const { events, streams, bytes } = look()
    process.stdout.write(`${done}: ${events} events of ${streams} streams, ${bytes} bytes\n`)
    return exit.done
  } catch (error) {
    throw new Failure((error as Error).message, { cause: error })
  }
}
