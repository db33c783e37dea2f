import { writeFileSync } from 'node:fs'
import { z } from 'zod'
import { contributionsOf, standingTypes } from '../../domain/airdrop/contributions.ts'
import { listText, reportedNode, reportLines } from '../../domain/airdrop/list.ts'
import { type AirdropResult, createAirdropFold, type Publication, resultOf } from '../../domain/airdrop/result.ts'
import { type CampaignRules, campaignRulesSchema, slotsOf } from '../../domain/airdrop/rules.ts'
import { canonicalJson, indentedJson, type Json } from '../../domain/canonical.ts'
import { decode } from '../../domain/catalogue.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { configHelp, configOptions } from '../config.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'
import { readJsonFile } from './json-file.ts'
import { withEvents } from './log.ts'
import { progressOf } from './progress.ts'

const keys = ['data', 'esdbUrl', 'namespace'] as const

export const command: Command = {
  usage: `
duxnet airdrop compute EXPORT --campaign ID [--list FILE] [--report FILE]
duxnet airdrop explain EXPORT --campaign ID --node ID
duxnet airdrop simulate EXPORT --campaign ID --rules FILE [--report FILE]

Folds an airdrop from an export of the log, or with --live from the running instance's. Nothing but the log decides.

compute   who gets what, as digests and root, compared with what the log says was published. Exit code: 1 where they differ
explain   what one node's events make of it, criterion by criterion
simulate  what other rules would have paid: FILE has those members of the rules that change, as JSON

  --campaign ID   the airdrop
  --list FILE     write the list: RFC 8785 lines {amount,nodeId}, in the order of node ids
  --report FILE   write the report: every node with its figures, its reasons, its weight and its amount
  --node ID       the node
  --live          the log of the running instance, in the place of an EXPORT
${configHelp(keys)}`,
  options: {
    ...configOptions(keys),
    live: { type: 'boolean' },
    campaign: { type: 'string' },
    node: { type: 'string' },
    rules: { type: 'string' },
    list: { type: 'string' },
    report: { type: 'string' },
  },
  positionals: { min: 1, max: 2 },

  async run(values, [action, path]) {
    if (!Object.hasOwn(actions, action!))
      throw new UsageError(`there is no 'airdrop ${action}'; there are ${Object.keys(actions).join(', ')}`)
    return withEvents(values, path, (log) => actions[action as keyof typeof actions](log, values))
  },
}

const actions = { compute, explain, simulate }

type Log = AsyncIterable<RecordedEvent>

async function compute(log: Log, values: Values): Promise<number> {
  const campaignId = needed(values, 'campaign')
  let published: Publication | undefined
  const result = await folded(log, campaignId, {
    see(event) {
      if (event.type !== 'AllotmentsPublished') return
      const fact = decode(event)
      if (fact.type !== 'AllotmentsPublished' || fact.data.campaignId !== campaignId) return
      const { campaignId: _, claimsUntil: __, ...publication } = fact.data
      published = publication
    },
  })
  write(values.list, () => listText(result.allotments))
  write(values.report, () => [...reportLines(result)].join(''))
  const isSame = published && canonicalJson(published) === canonicalJson(result.publication)
  print({ campaignId, ...result.publication, published: published ? (isSame ? 'the same' : { ...published }) : null })
  return published && !isSame ? exit.failed : exit.done
}

async function explain(log: Log, values: Values): Promise<number> {
  const [campaignId, nodeId] = [needed(values, 'campaign'), needed(values, 'node')]
  const own: { readonly index: number; readonly type: string }[] = []
  const result = await folded(log, campaignId, {
    see({ type, data }, index) {
      if (standingTypes.includes(type) && (data as { readonly nodeId?: unknown }).nodeId === nodeId) own.push({ index, type })
    },
  })
  const judged = result.judged.find(({ standing }) => standing.nodeId === nodeId)
  if (!judged) throw new Failure(`${nodeId} was not registered by the end of the window`)
  const { fromIndex, toIndex } = result
  const events = own.filter(({ index }) => index >= fromIndex && index <= toIndex)
  const contributions = contributionsOf(judged.standing, result.rules.criteria, events).map((part) => ({ ...part }))
  print({ campaignId, window: { fromIndex, toIndex }, ...reportedNode(judged), contributions })
  return exit.done
}

async function simulate(log: Log, values: Values): Promise<number> {
  const campaignId = needed(values, 'campaign')
  const change = z.partialRecord(campaignRulesSchema.keyof(), z.json()).safeParse(readJsonFile(needed(values, 'rules')))
  if (!change.success) throw new Failure(`${values.rules} is not an object of rules: ${change.error.issues[0]!.message}`)
  const rulesOf = (own: CampaignRules) => changedRules(own, change.data, String(values.rules))
  const own = createAirdropFold({ only: campaignId })
  const result = await folded(log, campaignId, { rulesOf, see: own.take })
  write(values.report, () => [...reportLines(result)].join(''))
  const before = own.standings(campaignId)
  const was = before && resultOf(before)
  const amounts = new Map(was?.allotments.map(({ nodeId, amount }) => [nodeId, BigInt(amount)]))
  const changes = result.judged.map(({ standing: { nodeId }, amount }) => amount - (amounts.get(nodeId) ?? 0n))
  const sums = ({ publication: { considered, allotted, amount } }: AirdropResult) => ({ considered, allotted, amount })
  print({
    campaignId,
    ...(was && { rules: sums(was) }),
    changed: sums(result),
    more: changes.filter((change) => change > 0n).length,
    less: changes.filter((change) => change < 0n).length,
  })
  return exit.done
}

/** Throws `Failure` for rules that cannot be. */
function changedRules(own: CampaignRules, change: Readonly<Record<string, unknown>>, path: string): CampaignRules {
  const rules = campaignRulesSchema.safeParse({ ...own, ...change })
  if (!rules.success) {
    const { path: field, message } = rules.error.issues[0]!
    throw new Failure(`${path}: ${field.join('.')} ${message}`)
  }
  if (slotsOf(rules.data) < 1) throw new Failure(`${path}: the window has no slot of ${rules.data.criteria.slotSeconds} seconds`)
  return rules.data
}

interface Folding {
  readonly rulesOf?: (own: CampaignRules) => CampaignRules
  /** Told of every event. */
  see(event: RecordedEvent, index: number): void
}

/** The whole log is read, so that an export is proved to its end. Throws `Failure` where the campaign is not, or its window is not over. */
async function folded(log: Log, campaignId: string, { rulesOf, see }: Folding): Promise<AirdropResult> {
  const fold = createAirdropFold({ only: campaignId, ...(rulesOf && { rulesOf }) })
  const progress = progressOf('folding')
  let index = 0
  for await (const recorded of log) {
    fold.take(recorded)
    see(recorded, index++)
    progress(index)
  }
  const judgeable = fold.standings(campaignId)
  if (!judgeable) throw new Failure(`the log has no airdrop ${campaignId} whose window is over`)
  return resultOf(judgeable)
}

function needed(values: Values, name: string): string {
  const value = values[name]
  if (typeof value !== 'string') throw new UsageError(`--${name} is missing`)
  return value
}

function write(path: Values[string], text: () => string): void {
  if (typeof path === 'string') writeFileSync(path, text())
}

function print(value: Json): void {
  process.stdout.write(indentedJson(value))
}
