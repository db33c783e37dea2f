import { z } from 'zod'
import { versionsOf } from '../domain/catalogue.ts'
import { fundId } from '../domain/fund/decider.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { fundReport, type ReportedEvent, reportedTypes } from '../projections/fund-report.ts'
import type { Answer as Read } from '../projections/read.ts'
import type { Deps } from './deps.ts'
import { moneyExample } from './money-examples.ts'
import { afterParameter, many, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { factOf, subjectPages } from './subject-events.ts'

const indexParameter = (description: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'must be an index of the log')
    .transform(Number)
    .optional()
    .meta({ description, type: 'integer', pattern: undefined })

const reportSchema = z.looseObject({ format: z.literal('duxnet-fund-report-v2') }).meta({
  id: 'FundReport',
  description: 'As `duxnet fund report` prints it, byte for byte; docs/money.md says what is in it',
})

/** The transparency report, from the events as the read models keep them. */
export const fundReportRoute: Route = route({
  method: 'GET',
  path: '/v1/fund/report',
  tag: 'Fund',
  summary: 'The transparency report of the fund, for a range of the log',
  description:
    'It says nothing but what follows from the log: `duxnet fund report EXPORT` makes the same bytes. Its text ends with the last event that concerns the fund.',
  query: z.strictObject({
    from: indexParameter('Index in the log of the first event; 0 unless given'),
    to: indexParameter('Of the last; the newest unless given'),
    ...afterParameter,
  }),
  successes: { 200: { description: 'The report', schema: reportSchema, example: moneyExample.report, headers: readHeaders } },
  problems: readProblems,
  lane: 'batch',
  async handle({ query: { from, to, after } }, deps) {
    const places: Read<unknown>[] = []
    const report = await fundReport(reported(deps, after, places), { from, to })
    return many(places[0]!, report)
  },
})

/** The founding of the network and all that concerns the fund, in the order of the log; notes where the read model stood. */
async function* reported(deps: Deps, after: bigint | undefined, places: Read<unknown>[]): AsyncGenerator<ReportedEvent> {
  const wanted = [
    subjectPages(deps, `network:${deps.networkId}`, { types: ['NetworkFounded'], after }),
    subjectPages(deps, `fund:${fundId}`, { types: versionsOf(reportedTypes), after }),
  ]
  for (const pages of wanted)
    for await (const page of pages) {
      places.push(page)
      yield* page.value.map(reportedOf)
    }
}

function reportedOf(view: EventView): ReportedEvent {
  const { index, recordedAt } = view
  return { index, recordedAt, event: factOf(view) }
}
