import { all } from '../groups/place.ts'
import type { GroupRequest } from '../groups/registry.ts'
import { compiledFilter, type FilterSettings, type Settings } from '../groups/settings.ts'
import type { Start } from '../groups/start-from.ts'
import { code, handlerThrew, invalidArgument, Status } from '../grpc/status.ts'
import { persistent } from '../wire/generated.ts'
import { nameOf } from './group-names.ts'

// `Create` and `Update` say the same things in messages of the same shape, the filter aside.

type CreateOptions = InstanceType<typeof persistent.CreateReq.Options>
type UpdateOptions = InstanceType<typeof persistent.UpdateReq.Options>
type StreamOptions = InstanceType<typeof persistent.CreateReq.StreamOptions | typeof persistent.UpdateReq.StreamOptions>
type AllOptions = InstanceType<typeof persistent.CreateReq.AllOptions | typeof persistent.UpdateReq.AllOptions>
type SettingsMessage = InstanceType<typeof persistent.CreateReq.Settings | typeof persistent.UpdateReq.Settings>

const { RevisionOptionCase } = persistent.CreateReq.StreamOptions
const { AllOptionCase } = persistent.CreateReq.AllOptions
const maxUint64 = 2n ** 64n - 1n
const ticksInMs = 10_000

export function createRequest(options: CreateOptions | undefined): GroupRequest {
  const request = updateRequest(options)
  const ofAll = options?.getAll()
  if (!ofAll) return request
  if (!ofAll.hasFilter() && !ofAll.hasNoFilter()) throw invalidArgument('The request says neither a filter nor that there is none.')
  return { ...request, filter: filterOf(ofAll) }
}

export function updateRequest(options: CreateOptions | UpdateOptions | undefined): GroupRequest {
  const settings = options?.getSettings()
  if (!settings) throw handlerThrew()
  return { ...sourceOf(options!, settings), group: options!.getGroupName(), settings: settingsOf(settings) }
}

/** Clients say `$all`, or a stream in the newer form, or in the form that came before there were groups of `$all`. */
function sourceOf(options: CreateOptions | UpdateOptions, settings: SettingsMessage): Pick<GroupRequest, 'stream' | 'start'> {
  const ofAll = options.getAll()
  if (ofAll) return { stream: all, start: startOfAll(ofAll) }
  const ofStream = options.getStream()
  const stream = nameOf(ofStream ? ofStream.getStreamIdentifier() : options.getStreamIdentifier())
  if (stream === all) throw handlerThrew()
  return { stream, start: ofStream ? startOfStream(ofStream) : startAt(settings.getRevision()) }
}

function startOfStream(options: StreamOptions): Start {
  switch (options.getRevisionOptionCase() as number) {
    case RevisionOptionCase.START:
      return 'start'
    case RevisionOptionCase.END:
      return 'end'
    case RevisionOptionCase.REVISION:
      return startAt(options.getRevision())
    default:
      throw invalidArgument('The request does not say at which revision to start.')
  }
}

function startAt(text: string): Start {
  const revision = BigInt(text)
  return revision === maxUint64 ? 'end' : { revision }
}

function startOfAll(options: AllOptions): Start {
  switch (options.getAllOptionCase() as number) {
    case AllOptionCase.START:
      return 'start'
    case AllOptionCase.END:
      return 'end'
    case AllOptionCase.POSITION: {
      const position = options.getPosition()!
      const [commit, prepare] = [BigInt(position.getCommitPosition()), BigInt(position.getPreparePosition())]
      if (commit === maxUint64 && prepare === maxUint64) return 'end'
      if (prepare > commit) throw handlerThrew()
      return { commit, prepare }
    }
    default:
      throw invalidArgument('The request does not say at which position to start.')
  }
}

function filterOf(options: InstanceType<typeof persistent.CreateReq.AllOptions>): FilterSettings | undefined {
  const filter = options.getFilter()
  if (!filter) return undefined
  const on = filter.hasStreamIdentifier() ? 'stream' : filter.hasEventType() ? 'type' : undefined
  if (!on) throw invalidArgument('The filter names neither streams nor event types.')
  const expression = (on === 'stream' ? filter.getStreamIdentifier() : filter.getEventType())!
  const settings: FilterSettings = { on, regex: expression.getRegex(), prefixes: expression.getPrefixList() }
  try {
    compiledFilter(settings)
  } catch (error) {
    throw new Status(code.unknown, `The filter cannot be read: ${(error as Error).message}`)
  }
  return settings
}

function settingsOf(message: SettingsMessage): Settings {
  const inMs = (ticks: string) => Math.trunc(Number(ticks) / ticksInMs)
  return {
    resolveLinks: message.getResolveLinks(),
    extraStatistics: message.getExtraStatistics(),
    messageTimeoutMs: message.hasMessageTimeoutTicks() ? inMs(message.getMessageTimeoutTicks()) : message.getMessageTimeoutMs(),
    maxRetryCount: message.getMaxRetryCount(),
    checkpointAfterMs: message.hasCheckpointAfterTicks() ? inMs(message.getCheckpointAfterTicks()) : message.getCheckpointAfterMs(),
    minCheckpointCount: message.getMinCheckpointCount(),
    maxCheckpointCount: message.getMaxCheckpointCount(),
    maxSubscriberCount: message.getMaxSubscriberCount(),
    liveBufferSize: message.getLiveBufferSize(),
    readBatchSize: message.getReadBatchSize(),
    historyBufferSize: message.getHistoryBufferSize(),
    strategy: strategyOf(message),
  }
}

/** A name when there is one, else a number. One that nobody knows is refused later, by its name. */
function strategyOf(message: SettingsMessage): string {
  const name = 'getConsumerStrategy' in message ? message.getConsumerStrategy() : ''
  const number = message.getNamedConsumerStrategy()
  return name !== '' ? name : (['DispatchToSingle', 'RoundRobin', 'Pinned'][number] ?? String(number))
}
