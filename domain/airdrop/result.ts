import { decode, type Fact, UnreadableEvent } from '../catalogue.ts'
import type { RecordedEvent } from '../event.ts'
import { judge } from './allotment.ts'
import {
  countInWindow,
  countNode,
  type NodeTallies,
  nodeTallies,
  type Standing,
  standingsOf,
  type WindowIndexes,
  type WindowTallies,
  windowTallies,
} from './eligibility.ts'
import type { AirdropEvent, Allotment } from './events.ts'
import { allotmentsOf, type ListOrigin, type Reported, reportLines, sha256Hex, summaryOf } from './list.ts'
import type { CampaignRules } from './rules.ts'
import { listTree } from './tree.ts'

/** What a publication says of its list. */
export type Publication = Omit<Extract<AirdropEvent, { type: 'AllotmentsPublished' }>['data'], 'campaignId' | 'claimsUntil'>

/** An airdrop decided: the list, what is published of it, and all that the report tells. */
export interface AirdropResult extends Reported {
  readonly allotments: readonly Allotment[]
  readonly publication: Publication
}

/** What rules are made to say of what nodes did. */
export interface Judgeable extends ListOrigin, WindowIndexes {
  readonly rules: CampaignRules
  readonly standings: readonly Standing[]
}

/** A campaign whose window is not over. */
interface Running {
  readonly rules: CampaignRules
  readonly tallies: WindowTallies
  /** Of the first event in the window. */
  fromIndex: number | undefined
}

/**
 * Folds a log, from its first event on, to what its campaigns come to. An event is in a campaign's window when it comes after the
 * announcement, and the largest `recordedAt` up to it is later than `from` and not later than `to`: an instant becomes an index by the
 * log alone, whoever asks and whenever.
 */
export interface AirdropFold {
  /** Takes the next event. Throws `UnreadableEvent` for one that counts and cannot be read. */
  take(event: RecordedEvent): void
  /** What the nodes did by the end of a campaign's window; undefined as long as that is not over. */
  standings(campaignId: string): Judgeable | undefined
}

export interface AirdropFoldOptions {
  /** Folds only this campaign; unless given, all. */
  readonly only?: string
  /** By which rules, to see what others would have come to; its own unless given. */
  readonly rulesOf?: (own: CampaignRules) => CampaignRules
}

export function createAirdropFold({ only, rulesOf = (own) => own }: AirdropFoldOptions = {}): AirdropFold {
  const nodes: NodeTallies = nodeTallies()
  const running = new Map<string, Running>()
  const over = new Map<string, Judgeable>()
  let networkId = ''
  let newest = ''
  let index = 0

  function place(fact: Fact): void {
    for (const [campaignId, campaign] of running) {
      const { rules, tallies } = campaign
      if (newest > rules.window.to) {
        const window = { fromIndex: campaign.fromIndex ?? index, toIndex: index - 1 }
        over.set(campaignId, { networkId, campaignId, rules, ...window, standings: standingsOf(nodes, tallies) })
        running.delete(campaignId)
      } else if (newest > rules.window.from) {
        campaign.fromIndex ??= index
        countInWindow(tallies, fact)
      }
    }
  }

  return {
    take(event) {
      const recordedAt = recordedAtOf(event)
      if (recordedAt > newest) newest = recordedAt
      // Most of a log are heartbeats and what no airdrop asks for: of them, no more is read than is counted.
      const fact = counted.has(event.type) ? decode(event) : (event as unknown as Fact)
      if (running.size) place(fact)
      if (fact !== event) countNode(nodes, fact)
      if (fact.type === 'NetworkFounded') networkId = fact.data.networkId
      else if (fact.type === 'CampaignAnnounced' && (only ?? fact.data.campaignId) === fact.data.campaignId) {
        const { campaignId } = fact.data
        const rules = rulesOf(fact.data.rules)
        running.set(campaignId, { rules, tallies: windowTallies(rules), fromIndex: undefined })
      }
      index += 1
    },
    standings: (campaignId) => over.get(campaignId),
  }
}

/** Types of the events that are read whole. */
const counted: ReadonlySet<string> = new Set<Fact['type']>([
  'NetworkFounded',
  'NodeRegistered',
  'NodeDeregistered',
  'ReputationChanged',
  'ComputationProved',
  'SybilSignalRaised',
  'SybilSignalWithdrawn',
  'CampaignAnnounced',
])

function recordedAtOf(event: RecordedEvent): string {
  const { recordedAt } = event.metadata as { readonly recordedAt?: unknown }
  if (typeof recordedAt !== 'string') throw new UnreadableEvent(event, 'metadata.recordedAt is missing')
  return recordedAt
}

/** Who gets what. */
export function resultOf({ standings, ...campaign }: Judgeable): AirdropResult {
  const reported: Reported = { ...campaign, judged: judge(standings, campaign.rules) }
  const allotments = allotmentsOf(reported.judged)
  const { fromIndex, toIndex } = reported
  const reportDigest = sha256Hex([...reportLines(reported)].join(''))
  const considered = standings.length
  const root = listTree(reported, allotments)?.root ?? null
  const publication = { fromIndex, toIndex, considered, ...summaryOf(allotments), root, reportDigest }
  return { ...reported, allotments, publication }
}
