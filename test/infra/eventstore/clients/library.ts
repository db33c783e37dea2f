import type {
  AppendResult,
  Direction,
  EventData,
  EventStoreDBClient,
  Filter,
  Position,
  ReadPosition,
  ReadRevision,
  ResolvedEvent,
} from '@eventstore/db-client'

// Only types come from one of the two libraries: both cannot live in one process.

/** What both clients offer in the same words. */
export type Client = Pick<
  EventStoreDBClient,
  | 'connectionName'
  | 'createPersistentSubscriptionToAll'
  | 'createPersistentSubscriptionToStream'
  | 'deletePersistentSubscriptionToAll'
  | 'deletePersistentSubscriptionToStream'
  | 'deleteStream'
  | 'dispose'
  | 'getPersistentSubscriptionToAllInfo'
  | 'getPersistentSubscriptionToStreamInfo'
  | 'getStreamMetadata'
  | 'listAllPersistentSubscriptions'
  | 'listPersistentSubscriptionsToAll'
  | 'listPersistentSubscriptionsToStream'
  | 'replayParkedMessagesToAll'
  | 'replayParkedMessagesToStream'
  | 'restartPersistentSubscriptionSubsystem'
  | 'setStreamMetadata'
  | 'subscribeToAll'
  | 'subscribeToPersistentSubscriptionToAll'
  | 'subscribeToPersistentSubscriptionToStream'
  | 'subscribeToStream'
  | 'tombstoneStream'
  | 'updatePersistentSubscriptionToAll'
  | 'updatePersistentSubscriptionToStream'
> & {
  readStream(stream: string, options?: ReadOptions & { fromRevision?: ReadRevision }): AsyncIterable<ResolvedEvent>
  readAll(options?: ReadOptions & { fromPosition?: ReadPosition }): AsyncIterable<ResolvedEvent>
}

interface ReadOptions {
  readonly direction?: Direction
  readonly maxCount?: number
  readonly resolveLinkTos?: boolean
}

export type Expectation = 'any' | 'no_stream' | 'stream_exists' | bigint

export interface AppendOptions {
  readonly expecting?: Expectation
  /** Given per call, they make both clients take `Append` instead of `BatchAppend`. */
  readonly credentials?: { readonly username: string; readonly password: string }
  /** Milliseconds. */
  readonly deadline?: number
}

type Tools = Pick<
  typeof import('@eventstore/db-client'),
  | 'binaryEvent'
  | 'eventTypeFilter'
  | 'excludeSystemEvents'
  | 'jsonEvent'
  | 'persistentSubscriptionToAllSettingsFromDefaults'
  | 'persistentSubscriptionToStreamSettingsFromDefaults'
  | 'streamNameFilter'
>

/** A client library that we did not write. */
export interface Library extends Tools {
  readonly name: string
  /** Of its connection strings. */
  readonly scheme: 'esdb' | 'kurrentdb'
  connect(connectionString: string): Client
  append(client: Client, stream: string, events: EventData | EventData[], options?: AppendOptions): Promise<AppendResult>
  /** What a wrong-expected-version error says of both revisions. */
  versionsOf(error: Error): readonly [expected: unknown, actual: unknown]
}

export type { EventData, Filter, Position, ResolvedEvent }
