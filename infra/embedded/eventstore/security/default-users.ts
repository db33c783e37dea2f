import { administrator, administrators, operator, operators } from './principal.ts'
import type { NewUser, Users } from './users.ts'

/** The passwords that the first start gives to the two accounts that every server has. */
export interface DefaultPasswords {
  readonly admin?: string | undefined
  readonly ops?: string | undefined
}

const password = 'changeit'

/** Makes the accounts that there never were; one that was deleted stays deleted. */
export async function createDefaultUsers(users: Users, { admin = password, ops = password }: DefaultPasswords): Promise<void> {
  const wanted: NewUser[] = [
    { loginName: administrator, fullName: 'Event Store Administrator', groups: [administrators], password: admin },
    { loginName: operator, fullName: 'Event Store Operations', groups: [operators], password: ops },
  ]
  await Promise.all(wanted.filter(({ loginName }) => !users.hasHistory(loginName)).map((user) => users.create(user)))
}
