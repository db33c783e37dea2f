// A secure server: accounts.
import type { Outgoing, Wire } from '../lib/codec.ts'
import type { Credentials } from '../lib/connection.ts'
import type { Scenario } from '../lib/scenario.ts'
import type { Toolkit } from '../lib/toolkit.ts'
import { account, admin, nobody, ops, verdict } from '../lib/users.ts'

type Who = Credentials | null

const call = (t: Toolkit, method: string, options: Outgoing, as: Who = admin) => t.call('Users', method, { options }, { as })
const details = async (t: Toolkit, loginName: string, as: Who = admin) => {
  const inbox = t.serverStream('Users', 'Details', { options: { loginName } }, { as })
  const outcome = await inbox.outcome()
  return { users: inbox.messages.map(({ userDetails: { lastUpdated, ...user } }) => user), ...(outcome.error && outcome) }
}
const fresh = (t: Toolkit, hint = 'user') => ({
  loginName: `${hint}${t.run}`,
  password: 'changeit',
  fullName: 'A User',
  groups: [`staff${t.run}`, 'guests'],
})
const mayRead = async (t: Toolkit, as: Who) => {
  const stream = t.stream('orders')
  await t.append(stream, 'any', 1, { as: admin })
  return verdict(await t.read(stream, { as }))
}

// A server may remember a password for a while.
const becomes = (t: Toolkit, as: Who, expected: string) =>
  t.eventually(
    () => mayRead(t, as),
    (current) => current === expected,
  )

export default [
  {
    name: 'users: create, show, delete',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = fresh(t)
      t.record('create', await call(t, 'Create', user))
      t.record('details', await details(t, user.loginName))
      t.record('may read', await mayRead(t, { user: user.loginName, password: 'changeit' }))
      t.record('again', await call(t, 'Create', user))
      t.record('again, with another name', await call(t, 'Create', { ...user, fullName: 'Another' }))
      t.record('again, with another password', await call(t, 'Create', { ...user, password: 'another' }))
      t.record('details kept', await details(t, user.loginName))
      t.record('delete', await call(t, 'Delete', { loginName: user.loginName }))
      t.record('details then', await details(t, user.loginName))
      t.record('delete again', await call(t, 'Delete', { loginName: user.loginName }))
    },
  },
  {
    name: 'users: an unknown one',
    section: '12',
    needs: 'tls',
    async run(t) {
      const loginName = `unknown${t.run}`
      t.record('details', await details(t, loginName))
      t.record('update', await call(t, 'Update', { ...fresh(t, 'unknown') }))
      t.record('disable', await call(t, 'Disable', { loginName }))
      t.record('enable', await call(t, 'Enable', { loginName }))
      t.record('reset', await call(t, 'ResetPassword', { loginName, newPassword: 'another' }))
      const passwords = { loginName, currentPassword: 'changeit', newPassword: 'another' }
      t.record('change', await call(t, 'ChangePassword', passwords, { user: loginName, password: 'changeit' }))
    },
  },
  {
    name: 'users: update',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = fresh(t)
      await call(t, 'Create', user)
      t.record(
        'update',
        await call(t, 'Update', { loginName: user.loginName, password: 'changeit', fullName: 'Another', groups: ['others'] }),
      )
      t.record('details', await details(t, user.loginName))
    },
  },
  {
    name: 'users: disable and enable',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = await account(t, 'user')
      t.record('disable', await call(t, 'Disable', { loginName: user.user }))
      t.record(
        'disabled',
        (await details(t, user.user)).users.map(({ disabled }: Wire) => disabled),
      )
      t.record('may read', await becomes(t, user, 'UNAUTHENTICATED'))
      t.record('enable', await call(t, 'Enable', { loginName: user.user }))
      t.record('may read then', await becomes(t, user, 'ok'))
    },
  },
  {
    name: 'users: passwords',
    section: '12',
    needs: 'tls',
    async run(t) {
      const user = await account(t, 'user')
      const change = (currentPassword: string, newPassword: string, as: Who) =>
        call(t, 'ChangePassword', { loginName: user.user, currentPassword, newPassword }, as)
      t.record('change with a wrong one', await change('wrong', 'second', user))
      t.record('change', await change('changeit', 'second', user))
      t.record('old one', await becomes(t, user, 'UNAUTHENTICATED'))
      t.record('new one', await becomes(t, { ...user, password: 'second' }, 'ok'))
      t.record('change by an administrator who knows the present one', await change('second', 'fourth', admin))
      t.record('change back', await change('fourth', 'second', admin))
      t.record(
        'reset by another user',
        await call(t, 'ResetPassword', { loginName: user.user, newPassword: 'third' }, await account(t, 'other')),
      )
      t.record('reset', await call(t, 'ResetPassword', { loginName: user.user, newPassword: 'third' }))
      t.record('after the reset', await becomes(t, { ...user, password: 'third' }, 'ok'))
    },
  },
  {
    name: 'users: who may do what',
    section: '12',
    needs: 'tls',
    async run(t) {
      const [user, other] = [await account(t, 'user'), await account(t, 'other')]
      for (const [who, as] of Object.entries({ nobody, user, ops, admin }))
        t.record(who, {
          create: verdict(await call(t, 'Create', fresh(t, `made${who}`), as)),
          'own details': verdict(await details(t, user.user, as)),
          'details of another': verdict(await details(t, other.user, as)),
          'details of all': verdict(await details(t, '', as)),
          disable: verdict(await call(t, 'Disable', { loginName: other.user }, as)),
          enable: verdict(await call(t, 'Enable', { loginName: other.user }, as)),
        })
    },
  },
  {
    name: 'users: the built-in ones',
    section: '12',
    needs: 'tls',
    async run(t) {
      const { users } = await details(t, '')
      t.record(
        'among all',
        users.filter(({ loginName }: Wire) => ['admin', 'ops'].includes(loginName)),
      )
    },
  },
] satisfies Scenario[]
