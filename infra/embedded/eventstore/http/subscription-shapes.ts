import type { ConnectionInfo } from '../groups/consumer.ts'
import type { GroupInfo } from '../groups/info.ts'
import { all, placeText } from '../groups/place.ts'
import { neverMs } from '../services/group-info.ts'

/** A group in a list of them. Links begin with the origin. */
export function summary(info: GroupInfo, origin: string) {
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

/** All that is told of a group, in EventStoreDB's order. */
export function details(info: GroupInfo, origin: string) {
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
