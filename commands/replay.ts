import { z } from 'zod'
import { createAirdropFold, resultOf } from '../domain/airdrop/result.ts'
import { canonicalJson } from '../domain/canonical.ts'
import { decode, type Fact, UnreadableEvent } from '../domain/catalogue.ts'
import { type Envelope, signedCommandSchema } from '../domain/envelope.ts'
import type { RecordedEvent } from '../domain/event.ts'
import { type Contribution, contributionOf, isSweepOf } from '../domain/fund/contributions.ts'
import { instantSchema } from '../domain/ids.ts'
import type { NetworkState } from '../domain/network/decider.ts'
import { bytesToSign } from '../domain/signed-bytes.ts'
import { type Category, parseStreamName, streamName } from '../domain/stream.ts'
import { checkEnvelope } from './check.ts'
import type { Seen, StreamId } from './command.ts'
import { decideCommand, needsOf, seenOf } from './decide.ts'
import { deciders } from './deciders.ts'
import { decideGenesis } from './network.ts'
import type { NewEvent, VerifySignature } from './ports.ts'
import type { StreamFact } from './record.ts'

export interface Replayed {
  /** Events that were verified. */
  readonly events: number
  /** The first event that its command, its signature and the log before it do not account for. */
  readonly difference: { readonly event: RecordedEvent; readonly reason: string } | undefined
}

export interface ReplayOptions {
  readonly namespace: string
  readonly verify: VerifySignature
  /** Where `log` is not the whole log. */
  readonly part?: LogPart
}

/** Part of a log: streams of some categories lack events. */
export interface LogPart {
  isPartial(category: Category): boolean
  /** What such a stream may have stood at before an event, given what is there of it: what is not is taken from what the event says. */
  assume(state: unknown, fact: Fact): unknown
}

/**
 * Verifies every signature of a log and makes every decision again, from the log alone. `log` begins at genesis, is in order, and is
 * whole but for what `part` says. Throws what reading it throws; whatever is wrong with its content is the `difference`.
 */
export async function replayDecisions(
  log: AsyncIterable<RecordedEvent> | Iterable<RecordedEvent>,
  { namespace, verify, part }: ReplayOptions,
): Promise<Replayed> {
  const replay = createReplay(namespace, verify, part)
  let events = 0
  for await (const event of log) {
    const reason = await replay(event)
    if (reason !== undefined) return { events, difference: { event, reason } }
    events += 1
  }
  return { events, difference: undefined }
}

interface Stream {
  readonly category: Category
  state: unknown
  revision: number
  readonly isPartial: boolean
  /** The states after each event, of streams that are not endless: others' facts may name any. */
  readonly states: { readonly revision: number; readonly state: unknown }[] | undefined
  /** What the last command decided and the log has still to show. */
  due: readonly NewEvent[]
}

const streamFact = z.strictObject({ stream: z.string(), revision: z.int() })

const factsSchema = z.object({ now: instantSchema }).catchall(streamFact)

function createReplay(
  namespace: string,
  verify: VerifySignature,
  part: LogPart | undefined,
): (event: RecordedEvent) => Promise<string | undefined> {
  const streams = new Map<string, Stream>()
  const checks = [createSweepCheck(), createAirdropCheck()]
  let networkId: string | undefined

  async function decideAgain(fact: Fact, text: string, stream: Stream): Promise<readonly NewEvent[]> {
    const { stream: name, metadata } = fact
    const state = stream.isPartial ? part!.assume(stream.state, fact) : stream.state
    const { publicKey, signature, rules, traceparent, causationId, correlationId, recordedAt } = metadata
    const command = signedCommandSchema.parse(JSON.parse(text))
    const envelope: Envelope = { command, publicKey, signature }
    if (networkId === undefined) {
      if (!(await verify(publicKey, bytesToSign(text), signature))) throw new Error('the signature of genesis does not hold')
      networkId = command.audience
      return decideGenesis(envelope, namespace, recordedAt).events
    }
    const checked = await checkEnvelope(envelope, networkId, verify)
    const { category } = checked.handler
    if (name !== streamName(namespace, category, checked.subject)) throw new Error(`${command.type} does not write this stream`)
    const { rules: newest, since = newest } = deciders[category]
    if (rules < since || rules > newest) throw new Error(`was decided by rules ${rules}, these are ${since} to ${newest}`)
    const { now, ...facts } = factsSchema.parse(metadata.facts)
    const seen: Record<string, Seen> = {}
    for (const [name, id] of needsOf(checked, state)) seen[name] = seenAt(facts[name], id)
    const network = seen.network!.state as NetworkState
    const context = { causationId, correlationId, ...(traceparent !== undefined && { traceparent }) }
    return decideCommand(checked, { stream: name, state, now, network, seen }, context, rules).events
  }

  /** A fact may be older than the log is by now, but never of another stream or of what comes later. */
  function seenAt(fact: StreamFact | undefined, { category, id }: StreamId): Seen {
    const stream = streamName(namespace, category, id)
    if (fact?.stream !== stream) throw new Error(`its facts should name ${stream}`)
    const { revision } = fact
    const known = streams.get(stream)
    if (revision < 0) return seenOf({ category, stream, revision, state: deciders[category].initialState })
    if (!known || (!known.isPartial && revision > known.revision))
      throw new Error(`its facts name ${stream}@${revision}, which comes later`)
    const { states, isPartial } = known
    const past = isPartial ? states?.findLast((past) => past.revision <= revision) : states?.[revision]
    return seenOf({ category, stream, revision, state: past?.state })
  }

  function streamOf(recorded: RecordedEvent): Stream {
    const known = streams.get(recorded.stream)
    if (known) return known
    const name = parseStreamName(namespace, recorded.stream)
    if (!name || !Object.hasOwn(deciders, name.category)) throw new UnreadableEvent(recorded, 'no stream of this network')
    const category = name.category as Category
    const { initialState, newest } = deciders[category]
    const states = newest === undefined ? [] : undefined
    const isPartial = part?.isPartial(category) ?? false
    const stream: Stream = { category, state: initialState, revision: -1, isPartial, states, due: [] }
    streams.set(recorded.stream, stream)
    return stream
  }

  return async (recorded) => {
    try {
      const fact = decode(recorded)
      const stream = streamOf(recorded)
      if (stream.isPartial ? fact.revision <= stream.revision : fact.revision !== stream.revision + 1)
        return `follows revision ${stream.revision} of its stream`
      if (fact.metadata.command !== undefined) {
        if (stream.due.length) return `stands where ${stream.due[0]!.type} was decided`
        stream.due = await decideAgain(fact, fact.metadata.command, stream)
      }
      const [expected, ...due] = stream.due
      if (!expected) return 'was not decided by any command'
      stream.due = due
      // Of a type that is no longer written, what it says as one that is: the same decision has another spelling now.
      const shown = fact.stored ? (fact as unknown as NewEvent) : recorded
      if (canonicalOf(expected) !== canonicalOf(shown)) return `is decided otherwise: ${canonicalOf(expected)}`
      const wrong = part ? [] : checks.flatMap((check) => check(fact, recorded) ?? [])
      if (wrong.length) return wrong[0]
      stream.state = deciders[stream.category].evolve(stream.state, fact, fact.metadata.recordedAt)
      stream.revision = fact.revision
      stream.states?.push({ revision: fact.revision, state: stream.state })
      return undefined
    } catch (error) {
      // A refusal, an unreadable event, facts that the log does not hold: each says in its own words what is wrong.
      return error instanceof Error ? error.message : String(error)
    }
  }
}

// What the settlement process says of the log is decided without the log. Here it is at hand.

/** What is wrong with an event that is decided by what a service says; undefined for most. */
type LogCheck = (fact: Fact, event: RecordedEvent) => string | undefined

/** Each sweep takes what escrows gave. */
function createSweepCheck(): LogCheck {
  let events = 0
  let pending: Contribution[] = []
  return (fact) => {
    const index = events++
    const contribution = contributionOf(fact)
    if (contribution) pending.push({ index, ...contribution })
    if (fact.type !== 'ContributionsSwept') return undefined
    const isWhole = isSweepOf(fact.data, pending)
    pending = pending.filter(({ index }) => index > fact.data.toIndex)
    return isWhole ? undefined : 'sweeps what escrows did not give'
  }
}

/** Each list of an airdrop is what its rules make of the log. */
function createAirdropCheck(): LogCheck {
  const fold = createAirdropFold()
  return (fact, event) => {
    fold.take(event)
    if (fact.type !== 'AllotmentsPublished') return undefined
    const { campaignId, claimsUntil: _, ...published } = fact.data
    const judgeable = fold.standings(campaignId)
    if (!judgeable) return 'publishes a list before its window is over'
    const { publication } = resultOf(judgeable)
    return canonicalJson(publication) === canonicalJson(published) ? undefined : `publishes ${canonicalJson(publication)} otherwise`
  }
}

function canonicalOf({ id, type, data, metadata }: NewEvent): string {
  return canonicalJson({ id, type, data, metadata })
}
