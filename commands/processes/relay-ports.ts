/** An event on its way to a stream of messages that others consume. */
export interface RelayMessage {
  /** In the log, dense from 0. */
  readonly index: number
  readonly eventId: string
  /** Where it is published: `<category>.<EventType>.<id of its stream>`. */
  readonly subject: string
  readonly body: string
  readonly traceparent: string | undefined
}

/** The log as far as its read model has come. Throws what the read models throw. */
export interface RelaySource {
  /** The index that the next event will have. */
  nextIndex(): Promise<number>
  /** At most `limit` events from index `from` on, in the order of the log and without a gap. */
  after(from: number, limit: number): Promise<readonly RelayMessage[]>
}

/** Where messages are published: one stream, into which nobody else writes. */
export interface RelayTarget {
  /** Makes the stream where there is none, and says how far it is. Throws `RelayRefused` for one that is not ours to write to, and what the network throws. */
  place(): Promise<RelayPlace>
  /**
   * Publishes the event of `index`, provided that the stream holds exactly the events before it; resolves when it is stored. It may be called again
   * before that. Rejects when it was refused, lost, or may have been: then what was asked after it is refused too, and `place` tells what is there.
   */
  publish(message: RelayMessage): Promise<void>
  /** Whether it has a connection just now. */
  connected(): boolean
  close(): Promise<void>
}

export interface RelayPlace {
  /** Index of the event that comes next: how many the stream has taken, those that it holds no more among them. */
  readonly next: number
  /** Id of the last event, where it still is there. */
  readonly lastEventId: string | undefined
}

/** The stream is another network's, or not made for this. Somebody has to look at it. */
export class RelayRefused extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RelayRefused'
  }
}
