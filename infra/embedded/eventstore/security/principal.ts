/** In whose name a call is made. */
export interface Principal {
  readonly kind: 'system' | 'user' | 'anonymous'
  /** The login of a user; what connections are listed under. */
  readonly name: string
  readonly groups: readonly string[]
  /** The account or its password is not what it was when the call began: whatever is left of the call may do nothing more. */
  readonly isRevoked?: boolean
}

/** Everybody on a server without a certificate, which knows no users. */
export const system: Principal = { kind: 'system', name: 'system', groups: [] }

/** Whoever says nothing of who they are, on a server with a certificate. */
export const anonymous: Principal = { kind: 'anonymous', name: 'anonymous', groups: [] }

export const everyone = '$all'
export const administrators = '$admins'
export const operators = '$ops'

export const administrator = 'admin'
export const operator = 'ops'

/** Whether one of the names is theirs, or that of a group they are in. */
export const isAmong = ({ name, groups }: Principal, names: readonly string[]) =>
  names.some((wanted) => wanted === name || groups.includes(wanted))

export const isAdministrator = (principal: Principal) =>
  principal.kind === 'system' || isAccount(principal, administrator) || principal.groups.includes(administrators)

export const isOperator = (principal: Principal) =>
  isAdministrator(principal) || isAccount(principal, operator) || principal.groups.includes(operators)

const isAccount = ({ kind, name }: Principal, login: string) => kind === 'user' && name === login
