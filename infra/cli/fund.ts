import { decode, versionsOf } from '../../domain/catalogue.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { fundReport, type ReportedEvent, type ReportRange, reportedTypes } from '../../projections/fund-report.ts'
import { configHelp, configOptions } from '../config.ts'
import { type Command, exit, UsageError } from './command.ts'
import { indexOption } from './index-option.ts'
import { withEvents } from './log.ts'

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
    const range = { from: indexOption('--from', values.from), to: indexOption('--to', values.to) }
    return withEvents(values, path, (log) => print(log, range))
  },
}

async function print(log: AsyncIterable<RecordedEvent>, range: ReportRange): Promise<number> {
  const report = await fundReport(reported(log), range)
  process.stdout.write(report)
  const { sweeps } = JSON.parse(report) as { readonly sweeps: readonly { readonly holds: boolean }[] }
  return sweeps.every(({ holds }) => holds) ? exit.done : exit.failed
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
