import {
  END,
  EventStoreDBClient,
  eventTypeFilter,
  type Filter,
  PARK,
  type PersistentSubscriptionToAllInfo,
  persistentSubscriptionToAllSettingsFromDefaults,
  START,
  streamNameFilter,
} from '@eventstore/db-client'
import { eventTypes } from '../../domain/catalogue.ts'
import { categories, streamName, streamPrefix } from '../../domain/stream.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'

const keys = ['data', 'esdbUrl', 'namespace'] as const
const strategies = ['RoundRobin', 'DispatchToSingle', 'Pinned', 'PinnedByCorrelation'] as const
/** How long `park` waits for what it is to park. */
const parkMs = 10_000
/** How many messages it looks through. */
const heldMax = 1000

export const command: Command = {
  usage: `
duxnet subscriptions create NAME [--category C,…] [--type T,…] [--stream S,…] [--from start|end|POSITION] [--strategy S] [--retries N]
duxnet subscriptions list [NAME] [--json]
duxnet subscriptions park NAME [--event ID] [--reason TEXT]
duxnet subscriptions replay NAME [--count N]
duxnet subscriptions delete NAME

Persistent subscriptions of the event store to this network's events, for consumers that share the work (docs/subscriptions.md).

create  makes one; of --category, --type and --stream one at most: without any, all events of the namespace
list    all of them, or one with the events that are parked
park    takes deliveries until the event that is named comes, or else the next one, and puts it aside; the others go back untouched
replay  delivers what is parked again
delete  removes one, what it has parked included

  --from       where it begins (start)
  --strategy   ${strategies.join(', ')} (RoundRobin)
  --retries    how often a message is tried again before it is parked (10)
  --count      how many (all)
${configHelp(keys)}`,
  options: {
    ...configOptions(keys),
    ...Object.fromEntries(
      ['category', 'type', 'stream', 'from', 'strategy', 'retries', 'event', 'reason', 'count'].map((name) => [
        name,
        { type: 'string' } as const,
      ]),
    ),
    json: { type: 'boolean' },
  },
  positionals: { min: 1, max: 2 },

  async run(values, [action, name]) {
    if (!Object.hasOwn(actions, action!))
      throw new UsageError(`there is no 'subscriptions ${action}'; there are ${Object.keys(actions).join(', ')}`)
    if (name === undefined && action !== 'list') throw new UsageError(`${action} needs the name of a subscription`)
    if (name !== undefined && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(name))
      throw new UsageError(`'${name}' is no name: letters, digits, dots, hyphens`)
    const { client, namespace } = await connected(values)
    try {
      await actions[action as keyof typeof actions](client, name!, values, namespace)
      return exit.done
    } catch (error) {
      throw explained(error, name)
    } finally {
      await client.dispose()
    }
  },
}

type Action = (client: EventStoreDBClient, name: string, values: Values, namespace: string) => Promise<void>

const actions = { create, list, park, replay, delete: remove } satisfies Record<string, Action>

async function connected(values: Values) {
  const { config, sources } = loadConfig(values)
  const running = config.esdbUrl === undefined ? await findRunning(config.data) : undefined
  const address = config.esdbUrl ?? running?.eventStore
  if (address === undefined) throw new Failure(`the DuxNet on ${config.data} runs without an event store`)
  const namespace = sources.namespace === undefined && running ? running.namespace : config.namespace
  return { client: EventStoreDBClient.connectionString(address), namespace }
}

async function create(client: EventStoreDBClient, name: string, values: Values, namespace: string): Promise<void> {
  const settings = persistentSubscriptionToAllSettingsFromDefaults({
    startFrom: placeOf(values),
    consumerStrategyName: oneOf(values, 'strategy', strategies) ?? 'RoundRobin',
    maxRetryCount: countOf(values, 'retries') ?? 10,
  })
  await client.createPersistentSubscriptionToAll(name, settings, { filter: filterOf(values, namespace) })
  say(`${name} was created`)
}

function placeOf({ from = 'start' }: Values) {
  if (from === 'start') return START
  if (from === 'end') return END
  if (typeof from !== 'string' || !/^\d{1,19}$/.test(from))
    throw new UsageError(`--from: '${from}' is neither start, end nor a position`)
  return { commit: BigInt(from), prepare: BigInt(from) }
}

/** Everything is filtered by the namespace at least: an event store may be shared. */
function filterOf(values: Values, namespace: string): Filter {
  const given = (['category', 'type', 'stream'] as const).filter((name) => values[name] !== undefined)
  if (given.length > 1) throw new UsageError(`--${given.join(' and --')} cannot go together: the event store filters by one thing`)
  const [by] = given
  const items = by === undefined ? [] : String(values[by]).split(',')
  const unknown = (known: readonly string[]) => items.find((item) => !known.includes(item))
  if (by === undefined) return streamNameFilter({ prefixes: [streamPrefix(namespace)] })
  switch (by) {
    case 'category': {
      const wrong = unknown(categories)
      if (wrong !== undefined) throw new UsageError(`--category: there is no '${wrong}'; there are ${categories.join(', ')}`)
      return streamNameFilter({
        prefixes: items.map((category) => streamName(namespace, category as (typeof categories)[number], '')),
      })
    }
    case 'type': {
      const wrong = unknown(eventTypes)
      if (wrong !== undefined) throw new UsageError(`--type: there is no event type '${wrong}'`)
      return eventTypeFilter({ regex: `^(${items.map((item) => item.replaceAll('.', '\\.')).join('|')})$` })
    }
    case 'stream':
      for (const item of items)
        if (!item.startsWith(streamPrefix(namespace)) || !/^[\w-]+$/.test(item))
          throw new UsageError(`--stream: '${item}' is no stream of ${namespace}`)
      return streamNameFilter({ regex: `^(${items.join('|')})$` })
  }
}

async function list(client: EventStoreDBClient, name: string | undefined, values: Values): Promise<void> {
  const found =
    name === undefined ? await client.listPersistentSubscriptionsToAll() : [await client.getPersistentSubscriptionToAllInfo(name)]
  const rows = found.map(rowOf)
  const parked = name === undefined ? [] : await parkedEvents(client, name)
  if (values.json) return say(JSON.stringify(name === undefined ? rows : { ...rows[0], parkedEvents: parked }, null, 2))
  const titles = ['name', 'state', 'consumers', 'position', 'behind', 'inFlight', 'parked'] as const
  const lines = [titles, ...rows.map((row) => titles.map((title) => String(row[title])))]
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  say(
    lines
      .map((line) =>
        line
          .map((cell, column) => cell.padEnd(widths[column]!))
          .join('  ')
          .trimEnd(),
      )
      .join('\n'),
  )
  for (const { id, type, stream, revision } of parked) say(`parked: ${id} ${type} ${stream}@${revision}`)
}

function rowOf({ groupName, status, connections, stats }: PersistentSubscriptionToAllInfo) {
  const { lastCheckpointedEventPosition: done, lastKnownEventPosition: known, totalInFlightMessages, parkedMessageCount } = stats
  return {
    name: groupName,
    state: status,
    consumers: connections.length,
    /** Of the last event that is done with, and how far the newest known one is behind it, as positions. */
    position: done ? String(done.commit) : '-',
    behind: known ? String(known.commit - (done?.commit ?? 0n)) : '-',
    inFlight: totalInFlightMessages,
    parked: Number(parkedMessageCount),
  }
}

interface ParkedEvent {
  readonly id: string
  readonly type: string
  readonly stream: string
  readonly revision: number
}

async function parkedEvents(client: EventStoreDBClient, name: string): Promise<ParkedEvent[]> {
  const found: ParkedEvent[] = []
  try {
    const links = client.readStream(`$persistentsubscription-$all::${name}-parked`, { resolveLinkTos: true, maxCount: 1000 })
    for await (const { event } of links)
      if (event) found.push({ id: event.id, type: event.type, stream: event.streamId, revision: Number(event.revision) })
  } catch (error) {
    if ((error as { type?: string }).type !== 'stream-not-found') throw error
  }
  return found
}

async function park(client: EventStoreDBClient, name: string, { event: wanted, reason = 'parked by hand' }: Values): Promise<void> {
  const subscription = client.subscribeToPersistentSubscriptionToAll(name, { bufferSize: wanted === undefined ? 1 : heldMax })
  let late = false
  const limit = setTimeout(() => {
    late = true
    void subscription.unsubscribe()
  }, parkMs)
  try {
    for await (const resolved of subscription) {
      const { event } = resolved
      // What is held and not answered goes back when we leave, and nothing is counted against it.
      if (!event || (wanted !== undefined && event.id !== wanted)) continue
      await subscription.nack(PARK, String(reason), resolved)
      return say(`${event.id} ${event.type} ${event.streamId}@${event.revision} was parked`)
    }
  } catch (error) {
    if (!late) throw error
  } finally {
    clearTimeout(limit)
    await subscription.unsubscribe().catch(() => {})
  }
  throw new Failure(
    `${wanted === undefined ? 'a message' : `event ${wanted}`} was not among the next ${heldMax} messages within ${parkMs / 1000} s; another consumer may have it`,
  )
}

async function replay(client: EventStoreDBClient, name: string, values: Values): Promise<void> {
  const stopAt = countOf(values, 'count')
  await client.replayParkedMessagesToAll(name, stopAt === undefined ? {} : { stopAt })
  say(`${name}: what is parked is delivered again`)
}

async function remove(client: EventStoreDBClient, name: string): Promise<void> {
  await client.deletePersistentSubscriptionToAll(name)
  say(`${name} was deleted`)
}

function countOf(values: Values, option: string): number | undefined {
  const text = values[option]
  if (text === undefined) return undefined
  if (typeof text !== 'string' || !/^\d{1,6}$/.test(text))
    throw new UsageError(`--${option}: '${text}' is no number from 0 to 999999`)
  return Number(text)
}

function oneOf<Item extends string>(values: Values, option: string, items: readonly Item[]): Item | undefined {
  const text = values[option]
  if (text === undefined || items.includes(text as Item)) return text as Item | undefined
  throw new UsageError(`--${option}: there is no '${text}'; there are ${items.join(', ')}`)
}

/** What a person can mend, in their words. */
function explained(error: unknown, name: string | undefined): unknown {
  const type = (error as { type?: string }).type
  const known: Record<string, string> = {
    'persistent-subscription-exists': `there is a subscription ${name} already`,
    'persistent-subscription-does-not-exist': `there is no subscription ${name}`,
    'access-denied': 'the event store denies access',
    unavailable: 'the event store does not answer',
    'deadline-exceeded': 'the event store does not answer in time',
    'persistent-subscription-maximum-subscriber-count-reached': `${name} has as many consumers as it may`,
  }
  return type !== undefined && Object.hasOwn(known, type) ? new Failure(known[type]!, { cause: error }) : error
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
