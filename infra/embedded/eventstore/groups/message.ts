/**
 * A message of a group. It names its records by their positions in the log, where they stay until it is sent: a group that
 * waits for its consumers keeps little in memory, however large the events are.
 */
export interface Message {
  /** What consumers acknowledge: the id of the link when there is one, else of the event. */
  readonly id: string
  /** A link that leads nowhere comes without an event. */
  readonly event: number | undefined
  readonly link: number | undefined
  /** Messages of one bucket go to one consumer, if the group's strategy pins. */
  readonly bucket: number
  readonly origin: Origin
  /** Deliveries before this one. */
  retries: number
}

export type Origin =
  /** `order` counts the events that the group considered. */
  { readonly kind: 'source'; readonly order: number } | { readonly kind: 'parked'; readonly revision: number }

/** A message before the group gave it a place. */
export type Found = Pick<Message, 'id' | 'event' | 'link' | 'bucket'>
