export type FailureKind =
  | 'exists'
  | 'unknown'
  /** The request cannot be met; the message says why. */
  | 'refused'
  /** The group has as many consumers as it may have. */
  | 'full'
  /** The group was changed, deleted or restarted, or its stream is gone: a consumer may connect again. */
  | 'dropped'
  /** Nothing was stored, and the store goes on. */
  | 'not-stored'
  /** The group met a damaged record, or could not go on for another reason. */
  | 'broken'

/** Why a request for a group was not met, or why a consumer was let go; names the group. */
export class GroupFailure extends Error {
  readonly kind: FailureKind
  readonly stream: string
  readonly group: string

  constructor(kind: FailureKind, stream: string, group: string, message: string) {
    super(message)
    this.kind = kind
    this.stream = stream
    this.group = group
  }

  static exists = (stream: string, group: string) =>
    new GroupFailure('exists', stream, group, `Subscription group ${group} on stream ${stream} exists.`)

  static unknown = (stream: string, group: string) =>
    new GroupFailure('unknown', stream, group, `Subscription group ${group} on stream ${stream} does not exist.`)

  static refused = (stream: string, group: string, reason: string) => new GroupFailure('refused', stream, group, reason)

  static full = (stream: string, group: string) =>
    new GroupFailure('full', stream, group, `Maximum subscriptions reached for subscription group ${group} on stream ${stream}.`)

  static dropped = (stream: string, group: string) =>
    new GroupFailure('dropped', stream, group, `Subscription group ${group} on stream ${stream} was dropped.`)
}
