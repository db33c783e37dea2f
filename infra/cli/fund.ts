import { decode, UnreadableEvent, versionsOf } from '../../domain/catalogue.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { fundReport, type ReportedEvent, type ReportRange, reportedTypes } from '../../projections/fund-report.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { readExportedLog } from './export-format.ts'
import { indexOption } from './index-option.ts'
import { openLog } from './log.ts'

const keys = ['data', 'esdbUrl', 'namespace'] as const

export const command: Command = {
  usage: `
duxnet fund report EXPORT [--from INDEX] [--to INDEX]
duxnet fund report --live [--from INDEX] [--to INDEX]

Prints the transparency report of the community fund for a range of the log: contributions, sweeps with their digests made again,
proposals with who approved them, spending by category. It is folded from the log alone, from an export or from the running
instance's, byte for byte the same. Exit code: 1 when a sweep does not say what was contributed.

  --from INDEX  first event (0); what came before makes the opening figures
  --to INDEX    last event (the newest)
${configHelp(keys)}`,
  options: { ...configOptions(keys), live: { type: 'boolean' }, from: { type: 'string' }, to: { type: 'string' } },
  positionals: { min: 1, max: 2 },

  async run(values, [action, path]) {
    if (action !== 'report') throw new UsageError(`there is no 'fund ${action}'; there is report`)
    if (Boolean(values.live) === (path !== undefined)) throw new UsageError('give either an EXPORT or --live')
    const range = { from: indexOption('--from', values.from), to: indexOption('--to', values.to) }
    if (path !== undefined) return print(readExportedLog(path), range)
    const log = await openLog(loadConfig(values))
    try {
      return await print(log.events(), range)
    } finally {
      await log.close()
    }
  },
}

async function print(log: AsyncIterable<RecordedEvent>, range: ReportRange): Promise<number> {
  try {
    const report = await fundReport(reported(log), range)
    process.stdout.write(report)
    const { sweeps } = JSON.parse(report) as { readonly sweeps: readonly { readonly holds: boolean }[] }
    return sweeps.every(({ holds }) => holds) ? exit.done : exit.failed
  } catch (error) {
    if (error instanceof UnreadableEvent) throw new Failure(error.message, { cause: error })
    throw error
  }
}

const types: ReadonlySet<string> = new Set(versionsOf(['NetworkFounded', ...reportedTypes]))

async function* reported(log: AsyncIterable<RecordedEvent>): AsyncGenerator<ReportedEvent> {
  let index = -1
  for await (const recorded of log) {
    index += 1
    if (!types.has(recorded.type)) continue
    const event = decode(recorded)
    yield { index, recordedAt: event.metadata.recordedAt, event }
  }
}
