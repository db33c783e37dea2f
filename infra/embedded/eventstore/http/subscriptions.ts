import type { ConnectionInfo } from '../groups/consumer.ts'
import { GroupFailure } from '../groups/failure.ts'
import type { GroupInfo } from '../groups/info.ts'
import { all, placeText } from '../groups/place.ts'
import type { Groups } from '../groups/registry.ts'
import { neverMs } from '../services/group-info.ts'
import { type Answer, json, type Request, type Route } from './routes.ts'

/** What can be seen and done with persistent subscription groups over HTTP; reading one needs gRPC. */
export const subscriptionRoutes = (groups: Groups): readonly Route[] => [
  {
    method: 'GET',
    path: '/subscriptions',
    audience: 'users',
    answer: ({ origin }) => json(groups.list().map((info) => summary(info, origin))),
  },
  { method: 'GET', path: '/subscriptions/:stream', audience: 'users', answer: (request) => groupsOf(groups, request) },
  { method: 'GET', path: '/subscriptions/:stream/:group/info', audience: 'users', answer: (request) => infoOf(groups, request) },
  {
    method: 'POST',
    path: '/subscriptions/:stream/:group/replayParked',
    audience: 'operators',
    answer: (request) => replayParked(groups, request),
  },
  { method: 'POST', path: '/subscriptions/restart', audience: 'operators', answer: () => restart(groups) },
]

function groupsOf(groups: Groups, { params, origin }: Request): Answer {
  return unlessRefused(
    () => json(groups.listOf(params.stream!).map((info) => summary(info, origin))),
    (status) => json([], status),
  )
}

const nothing = (status: number): Answer => ({ ...json('', status), body: '' })

function infoOf(groups: Groups, { params, origin }: Request): Answer {
  return unlessRefused(() => json(details(groups.info(params.stream!, params.group!), origin)), nothing)
}

function replayParked(groups: Groups, { params, query }: Request): Answer {
  const text = query.get('stopAt')
  const stopAt = text === null ? undefined : /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(stopAt)) return nothing(400)
  return unlessRefused(() => {
    groups.replayParked(params.stream!, params.group!, stopAt)
    return nothing(200)
  }, nothing)
}

async function restart(groups: Groups): Promise<Answer> {
  await groups.restart()
  return json('Restarting')
}

function unlessRefused(answer: () => Answer, refused: (status: number) => Answer): Answer {
  try {
    return answer()
  } catch (error) {
    if (!(error instanceof GroupFailure)) throw error
    return refused(error.kind === 'unknown' ? 404 : error.kind === 'refused' ? 400 : 503)
  }
}

function summary(info: GroupInfo, origin: string) {
  const { detail, ...uris } = urisOf(info, origin)
  return {
    links: [{ href: detail, rel: 'detail' }],
    ...identity(info),
    parkedMessageUri: uris.parked,
    getMessagesUri: uris.messages,
    averageItemsPerSecond: info.averagePerSecond,
    totalItemsProcessed: info.totalItems,
    ...progress(info),
    connectionCount: info.connections.length,
    totalInFlightMessages: info.inFlight,
  }
}

function details(info: GroupInfo, origin: string) {
  const { detail, replay, parked, messages } = urisOf(info, origin)
  return {
    links: [
      { href: detail, rel: 'detail' },
      { href: replay, rel: 'replayParked' },
    ],
    config: config(info),
    ...identity(info),
    averageItemsPerSecond: info.averagePerSecond,
    parkedMessageUri: parked,
    getMessagesUri: messages,
    totalItemsProcessed: info.totalItems,
    countSinceLastMeasurement: info.countSinceLastMeasurement,
    ...progress(info),
    readBufferCount: info.readBufferCount,
    liveBufferCount: info.liveBufferCount,
    retryBufferCount: info.retryBufferCount,
    totalInFlightMessages: info.inFlight,
    outstandingMessagesCount: info.inFlight,
    connections: info.connections.map(connection),
    parkedMessageCount: info.parkedMessageCount,
  }
}

function urisOf({ definition: { stream, group } }: GroupInfo, origin: string) {
  const [source, name] = [encodeURIComponent(stream), encodeURIComponent(group)]
  const uri = `${origin}/subscriptions/${source}/${name}`
  return {
    detail: `${uri}/info`,
    replay: `${uri}/replayParked`,
    parked: `${origin}/streams/%24persistentsubscription-${source}::${name}-parked`,
    messages: `${uri}/1`,
  }
}

const identity = ({ definition: { stream, group }, status }: GroupInfo) => ({ eventStreamId: stream, groupName: group, status })

/** Numbers are revisions of a stream; where a group of `$all` is can be said in text only. */
function progress({ definition: { stream }, lastCheckpointed, lastKnown }: GroupInfo) {
  const number = (place: number | undefined) => (stream === all ? 0 : (place ?? 0))
  const text = (place: number | undefined) => (place === undefined ? null : placeText(stream, place))
  return {
    lastProcessedEventNumber: number(lastCheckpointed),
    lastCheckpointedEventPosition: text(lastCheckpointed),
    lastKnownEventNumber: number(lastKnown),
    lastKnownEventPosition: text(lastKnown),
  }
}

function config({ definition: { startFrom, settings } }: GroupInfo) {
  return {
    resolveLinktos: settings.resolveLinks,
    startFrom: /^-?\d+$/.test(startFrom) ? Number(startFrom) : 0,
    startPosition: startFrom,
    messageTimeoutMilliseconds: settings.messageTimeoutMs,
    extraStatistics: settings.extraStatistics,
    maxRetryCount: settings.maxRetryCount,
    liveBufferSize: settings.liveBufferSize,
    bufferSize: settings.historyBufferSize,
    readBatchSize: settings.readBatchSize,
    preferRoundRobin: settings.strategy === 'RoundRobin',
    checkPointAfterMilliseconds: settings.checkpointAfterMs === 0 ? neverMs : settings.checkpointAfterMs,
    minCheckPointCount: settings.minCheckpointCount,
    maxCheckPointCount: settings.maxCheckpointCount,
    maxSubscriberCount: settings.maxSubscriberCount,
    namedConsumerStrategy: settings.strategy,
  }
}

const connection = (info: ConnectionInfo) => ({
  from: info.from,
  username: info.user,
  averageItemsPerSecond: info.averagePerSecond,
  totalItemsProcessed: info.totalItems,
  countSinceLastMeasurement: info.countSinceLastMeasurement,
  extraStatistics: info.measurements,
  availableSlots: info.availableSlots,
  inFlightMessages: info.inFlight,
  connectionName: info.connectionName,
})
