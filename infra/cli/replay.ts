import { UnreadableEvent } from '../../domain/catalogue.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { readExportedLog } from './export-format.ts'
import { progressOf } from './progress.ts'
import { readModelKeys, verifyLive, withReadModels } from './read-models.ts'

export const command: Command = {
  usage: `
duxnet replay FILE
duxnet replay --live

Folds a log without Postgres. Of an export it prints each read model's digest, after it has proved the file's root. --live folds
the log of the running instance to each read model's own checkpoint, compares with what Postgres holds and names the first
difference. Exit code: 0 equal, 1 different or damaged, 2 usage, 3 nothing running.

${configHelp(readModelKeys)}`,
  options: { ...configOptions(readModelKeys), live: { type: 'boolean' } },
  positionals: { min: 0, max: 1 },

  async run(values, [path]) {
    if (Boolean(values.live) === (path !== undefined)) throw new UsageError('give either the FILE of an export or --live')
    if (values.live) return withReadModels(loadConfig(values), (live) => verifyLive(live, []))
    return replayFile(path!)
  },
}

async function replayFile(path: string): Promise<number> {
  let root = ''
  async function* events(): AsyncGenerator<RecordedEvent> {
    root = (yield* readExportedLog(path)).root
  }
  try {
    const { count, digests } = await foldLog(events(), readModels, { onProgress: progressOf('folding') })
    const lines = Object.entries(digests).map(([name, digest]) => `${name}: ${digest}`)
    process.stdout.write(`${lines.join('\n')}\nlog: ${count} events, root ${root}\n`)
    return exit.done
  } catch (error) {
    if (error instanceof UnreadableEvent) throw new Failure(`${path}: ${error.message}`)
    throw error
  }
}
