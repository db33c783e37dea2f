import { writeFileSync } from 'node:fs'
import { UnreadableEvent } from '../../domain/catalogue.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { indexOption } from './index-option.ts'
import { progressOf } from './progress.ts'
import { readModelKeys, verifyLive, withReadModels } from './read-models.ts'
import { compareDigests, digestsToRecord, recordedDigests } from './recorded-digests.ts'
import { replayExport } from './replay-export.ts'

export const command: Command = {
  usage: `
duxnet replay FILE [--to INDEX] [--record OUT]
duxnet replay --live [--diff]

Folds a log without Postgres. Of an export it prints each read model's digest, after it has proved the file's root, and compares those
that the log itself has recorded (RecordDigests). --live folds
the log of the running instance to each read model's own checkpoint, compares with what Postgres holds and names the first
difference. Exit code: 0 equal, 1 different or damaged, 2 usage, 3 nothing running.

  --to INDEX    fold no further than this event; the file is read and proved to its end all the same
  --record OUT  write what a RecordDigests takes of these digests: --data "$(cat OUT)" of duxnet sign
  --diff        name the event, too, that made a row which differs

${configHelp(readModelKeys)}`,
  options: {
    ...configOptions(readModelKeys),
    live: { type: 'boolean' },
    diff: { type: 'boolean' },
    to: { type: 'string' },
    record: { type: 'string' },
  },
  positionals: { min: 0, max: 1 },

  async run(values, [path]) {
    if (Boolean(values.live) === (path !== undefined)) throw new UsageError('give either the FILE of an export or --live')
    const to = indexOption('--to', values.to)
    if (values.live && to !== undefined) throw new UsageError('--to goes with the FILE of an export')
    if (values.live && values.record !== undefined) throw new UsageError('--record goes with the FILE of an export')
    if (values.diff && !values.live) throw new UsageError('--diff goes with --live')
    if (values.live) return withReadModels(loadConfig(values), (live) => verifyLive(live, [], { withEvents: values.diff === true }))
    return replayFile(path!, to, values.record as string | undefined)
  },
}

async function replayFile(path: string, to: number | undefined, record?: string): Promise<number> {
  try {
    const recorded = await recordedDigests(path)
    const at = new Set(recorded.map(({ index }) => index))
    const onProgress = progressOf('folding')
    const { count, digests, digestsAt, root } = await replayExport(path, { to, at, onProgress })
    const lines = Object.entries(digests).map(([name, digest]) => `${name}: ${digest}`)
    const compared = compareDigests(recorded, digestsAt)
    process.stdout.write(`${[...lines, ...compared.lines].join('\n')}\nlog: ${count} events, root ${root}\n`)
    if (record !== undefined) writeFileSync(record, `${JSON.stringify(digestsToRecord(count - 1, digests))}\n`)
    return compared.isSame ? exit.done : exit.failed
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall) throw new Failure(`${path} cannot be read: ${(error as Error).message}`)
    if (error instanceof UnreadableEvent) throw new Failure(`${path}: ${error.message}`)
    throw error
  }
}
