import { z } from 'zod'
import { bundleFormat } from '../commands/bundle-format.ts'
import type { EscrowEvent } from '../domain/escrow/events.ts'
import { fundId } from '../domain/fund/decider.ts'
import { uuidSchema } from '../domain/ids.ts'
import type { EventView } from '../projections/event-log.query.ts'
import type { Deps } from './deps.ts'
import { eventSchema } from './events.ts'
import { example } from './examples.ts'
import { escrowId } from './money-examples.ts'
import { ApiProblem } from './problem.ts'
import { afterParameter, many, positionOf, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { subjectEvents, subjectPages } from './subject-events.ts'

const bundleSchema = z
  .strictObject({
    format: z.literal(bundleFormat),
    networkId: uuidSchema,
    escrowId: uuidSchema,
    events: z
      .array(eventSchema.omit({ position: true }))
      .describe('In the order of the log; the first is the founding of the network'),
  })
  .meta({ id: 'DisputeBundle' })

const { position: _, ...bundledExample } = example.event

/** Everything to judge an escrow by, from itself alone. */
export const disputeBundleRoute: Route = route({
  method: 'GET',
  path: '/v1/escrows/:id/dispute-bundle',
  tag: 'Escrows',
  summary: 'All that is needed to judge an escrow without asking anybody',
  description:
    "The network's founding and every change of its keys, all events of the escrow, and those of its wallets and of the fund that belong to it. `duxnet dispute verify FILE` checks every leaf, signature, id, decision and amount of it, without a server.",
  params: z.strictObject({ id: uuidSchema }),
  query: z.strictObject(afterParameter),
  successes: {
    200: {
      description: 'The bundle',
      schema: bundleSchema,
      example: { format: bundleFormat, networkId: example.network.networkId, escrowId, events: [bundledExample] },
      headers: readHeaders,
    },
  },
  problems: ['EscrowUnknown', ...readProblems],
  lane: 'batch',
  async handle({ params: { id }, query: { after } }, deps) {
    const own = await subjectEvents(deps, `escrow:${id}`, { after })
    const opened = own.value.find(({ type }) => type === 'EscrowOpened')
    if (!opened) throw new ApiProblem('EscrowUnknown', { escrowId: id }, positionOf(own))
    const { client, provider } = dataOf(opened) as Extract<EscrowEvent, { type: 'EscrowOpened' }>['data']
    const others = await Promise.all([
      subjectEvents(deps, `network:${deps.networkId}`),
      ...[client, provider].map((wallet) =>
        subjectEvents(deps, `wallet:${wallet}`, { types: ['WalletOpened', 'WalletKeyChanged'] }),
      ),
    ])
    const sweep = await sweepOf(own.value.find(isContribution), deps)
    const all = new Map([...own.value, ...others.flatMap(({ value }) => value), ...sweep].map((event) => [event.index, event]))
    const events = [...all.values()].sort((one, other) => one.index - other.index).map(bundledText)
    return many(own, `{"format":"${bundleFormat}","networkId":"${deps.networkId}","escrowId":"${id}","events":[${events.join()}]}`)
  },
})

function bundledText({ index, leaf, canonical }: EventView): string {
  return `{"index":${index},"leaf":"${leaf.toString('hex')}","event":${canonical}}`
}

function dataOf({ canonical }: EventView): unknown {
  return JSON.parse(canonical).data
}

function isContribution(event: EventView): boolean {
  if (event.type !== 'EscrowReleased' && event.type !== 'EscrowResolved') return false
  return (dataOf(event) as { readonly fundAmount: string }).fundAmount !== '0'
}

/** The sweep that took a contribution into the fund; none while it waits. It is one of the first behind it. */
async function sweepOf(contribution: EventView | undefined, deps: Deps): Promise<readonly EventView[]> {
  if (!contribution) return []
  const { index } = contribution
  for await (const { value } of subjectPages(deps, `fund:${fundId}`, { types: ['ContributionsSwept'], behind: index })) {
    const sweep = value.find((event) => (dataOf(event) as { readonly toIndex: number }).toIndex >= index)
    if (sweep) return [sweep]
  }
  return []
}
