import type { ConnectionInfo } from '../groups/consumer.ts'
import type { GroupInfo } from '../groups/info.ts'
import { placeText } from '../groups/place.ts'
import { persistent } from '../wire/generated.ts'

/** How EventStoreDB says that checkpoints are never written by time. */
export const neverMs = -(2 ** 31)

export function infoMessage(info: GroupInfo): InstanceType<typeof persistent.SubscriptionInfo> {
  const { stream, group, startFrom, settings } = info.definition
  const text = (place: number | undefined) => (place === undefined ? '' : placeText(stream, place))
  return new persistent.SubscriptionInfo()
    .setEventSource(stream)
    .setGroupName(group)
    .setStatus(info.status)
    .setConnectionsList(info.connections.map(connectionMessage))
    .setAveragePerSecond(info.averagePerSecond)
    .setTotalItems(String(info.totalItems))
    .setCountSinceLastMeasurement(String(info.countSinceLastMeasurement))
    .setLastCheckpointedEventPosition(text(info.lastCheckpointed))
    .setLastKnownEventPosition(text(info.lastKnown))
    .setResolveLinkTos(settings.resolveLinks)
    .setStartFrom(startFrom)
    .setMessageTimeoutMilliseconds(settings.messageTimeoutMs)
    .setExtraStatistics(settings.extraStatistics)
    .setMaxRetryCount(settings.maxRetryCount)
    .setLiveBufferSize(settings.liveBufferSize)
    .setBufferSize(settings.historyBufferSize)
    .setReadBatchSize(settings.readBatchSize)
    .setCheckPointAfterMilliseconds(settings.checkpointAfterMs === 0 ? neverMs : settings.checkpointAfterMs)
    .setMinCheckPointCount(settings.minCheckpointCount)
    .setMaxCheckPointCount(settings.maxCheckpointCount)
    .setReadBufferCount(info.readBufferCount)
    .setLiveBufferCount(String(info.liveBufferCount))
    .setRetryBufferCount(info.retryBufferCount)
    .setTotalInFlightMessages(info.inFlight)
    .setOutstandingMessagesCount(info.inFlight)
    .setNamedConsumerStrategy(settings.strategy)
    .setMaxSubscriberCount(settings.maxSubscriberCount)
    .setParkedMessageCount(String(info.parkedMessageCount))
}

function connectionMessage(connection: ConnectionInfo) {
  return new persistent.SubscriptionInfo.ConnectionInfo()
    .setFrom(connection.from)
    .setUsername(connection.user)
    .setAverageItemsPerSecond(connection.averagePerSecond)
    .setTotalItems(String(connection.totalItems))
    .setCountSinceLastMeasurement(String(connection.countSinceLastMeasurement))
    .setObservedMeasurementsList(
      connection.measurements.map(({ key, value }) =>
        new persistent.SubscriptionInfo.Measurement().setKey(key).setValue(String(value)),
      ),
    )
    .setAvailableSlots(connection.availableSlots)
    .setInFlightMessages(connection.inFlight)
    .setConnectionName(connection.connectionName)
}
