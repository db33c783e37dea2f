import { isAdministrator, isOperator, type Principal } from './principal.ts'

/** For whom a method is; `anyone` needs no account. */
export type Audience = 'anyone' | 'users' | 'operators' | 'administrators'

export function belongs(principal: Principal, audience: Audience): boolean {
  switch (audience) {
    case 'anyone':
      return true
    case 'users':
      return principal.kind !== 'anonymous'
    case 'operators':
      return isOperator(principal)
    case 'administrators':
      return isAdministrator(principal)
  }
}

const services: Readonly<Record<string, Readonly<Record<string, Audience>>>> = {
  'server_features.ServerFeatures': { GetSupportedMethods: 'anyone' },
  'gossip.Gossip': { Read: 'anyone' },
  // Who may do it is decided stream by stream, which BatchAppend tells within its answers.
  'streams.Streams': { Append: 'users', BatchAppend: 'anyone', Delete: 'users', Tombstone: 'users', Read: 'users' },
  'persistent_subscriptions.PersistentSubscriptions': {
    Create: 'operators',
    Update: 'operators',
    Delete: 'operators',
    ReplayParked: 'operators',
    RestartSubsystem: 'operators',
    GetInfo: 'users',
    List: 'users',
    Read: 'users', // who may also read its stream
  },
  'users.Users': {
    Create: 'administrators',
    Update: 'administrators',
    Delete: 'administrators',
    Enable: 'administrators',
    Disable: 'administrators',
    ResetPassword: 'administrators',
    ChangePassword: 'users', // who know the present one
    Details: 'users',
  },
  'projections.Projections': {
    Create: 'users',
    Update: 'users',
    Enable: 'users',
    Disable: 'users',
    Reset: 'users',
    State: 'users',
    Result: 'users',
    Statistics: 'users',
    Delete: 'operators',
    RestartSubsystem: 'operators',
  },
}

const audiences: ReadonlyMap<string, Audience> = new Map(
  Object.entries(services).flatMap(([service, methods]) =>
    Object.entries(methods).map(([method, audience]) => [`/event_store.client.${service}/${method}`, audience]),
  ),
)

/** Administrators only, where no rule says otherwise. */
export const audienceOf = (path: string): Audience => audiences.get(path) ?? 'administrators'
