import { type FailureKind, GroupFailure } from '../groups/failure.ts'
import { code, Status } from '../grpc/status.ts'

const answers: Readonly<Record<FailureKind, readonly [code: number, exception?: string]>> = {
  exists: [code.alreadyExists, 'persistent-subscription-exists'],
  unknown: [code.notFound, 'persistent-subscription-does-not-exist'],
  refused: [code.internal, 'persistent-subscription-failed'],
  full: [code.failedPrecondition, 'maximum-subscribers-reached'],
  dropped: [code.cancelled, 'persistent-subscription-dropped'],
  'not-stored': [code.resourceExhausted],
  broken: [code.dataLoss],
}

/** How a call ends when its group cannot do what was asked; anything else that was thrown stays as it is. */
export function statusOf(error: unknown): unknown {
  if (!(error instanceof GroupFailure)) return error
  const { kind, stream, group, message } = error
  const [status, exception] = answers[kind]
  if (exception === undefined) return new Status(status, message)
  const isRefused = kind === 'refused'
  return new Status(status, isRefused ? `Subscription group ${group} on stream ${stream} failed: '${message}'` : message, {
    exception,
    'stream-name': stream,
    ...(group !== '' && { 'group-name': group }),
    ...(isRefused && { reason: message }),
  })
}
