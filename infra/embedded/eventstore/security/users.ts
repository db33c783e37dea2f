import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { accountStream } from '../engine/accounts.ts'
import { readVisible } from '../engine/links.ts'
import { any, type Expected } from '../engine/rules.ts'
import { metadataPrefix } from '../engine/streams.ts'
import type { Outcome } from '../engine/writer.ts'
import { accessDenied, code, invalidArgument, Status } from '../grpc/status.ts'
import { storeFailed } from '../services/failures.ts'
import { StoredRecord } from '../storage/record.ts'
import type { Store } from '../store.ts'
import { hashPassword, isPassword, type PasswordHash } from './passwords.ts'
import { administrators } from './principal.ts'

/** The data of the events of `$user-<login>`, of which the newest counts; EventStoreDB's own names. */
const storedUser = z.object({
  loginName: z.string(),
  fullName: z.string(),
  groups: z.array(z.string()),
  disabled: z.boolean(),
  hash: z.string(),
  salt: z.string(),
})
type StoredUser = z.infer<typeof storedUser>

export interface User extends StoredUser {
  /** Milliseconds since 1970. */
  readonly lastUpdated: number
}

/** What somebody else wrote there is no account; nor does an error tell of it, for there may be a hash in it. */
function readUser(data: Buffer): StoredUser | undefined {
  try {
    return storedUser.parse(JSON.parse(data.toString('utf8')))
  } catch {
    return undefined
  }
}

export interface Snapshot {
  readonly user: User | undefined
  isCurrent(): boolean
}

export interface NewUser {
  readonly loginName: string
  readonly fullName: string
  readonly groups: readonly string[]
  readonly password: string
}

/** One for each user ever made; its events name the logins. */
const usersStream = '$users'

const maxTextBytes = 1_024
const maxGroups = 1_000

const forAdministrators = { $r: administrators, $w: administrators, $d: administrators, $mr: administrators, $mw: administrators }

/** The accounts of a server with a certificate, kept in system streams as EventStoreDB keeps them. */
export class Users {
  readonly #store: Store

  constructor(store: Store) {
    this.#store = store
  }

  find(login: string): User | undefined {
    const record = readVisible(this.#store.log, this.#store.streams, accountStream(login), -1)
    if (!record) return undefined
    const { data, created } = new StoredRecord(record)
    const user = readUser(data)
    return user && { ...user, loginName: login, lastUpdated: created }
  }

  /** By login. */
  all(): User[] {
    const { log, streams } = this.#store
    const logins = new Set<string>()
    const { number, committed } = streams.get(usersStream)
    if (number !== undefined)
      log.scanStream(number, 0, committed.last, false, (_revision, position) => {
        logins.add(new StoredRecord(log.record(position)!).data.toString('utf8'))
        return true
      })
    return [...logins].sort().flatMap((login) => this.find(login) ?? [])
  }

  /** The account as it is now, and whether it still is. */
  snapshot(login: string): Snapshot {
    const stream = () => this.#store.streams.get(accountStream(login))
    const { committed, metadata } = stream()
    const deletion = metadata.committed
    return {
      user: this.find(login),
      isCurrent: () => stream().committed === committed && stream().metadata.committed === deletion,
    }
  }

  /** Whether there ever was such an account. */
  hasHistory(login: string): boolean {
    return this.#store.streams.get(accountStream(login)).committed.last >= 0
  }

  /** The same user again, with the same password, is a repetition; with another one it is a `user-conflict`. */
  async create({ password, ...user }: NewUser): Promise<void> {
    check(user)
    checkPassword(password)
    const { loginName: login } = user
    const existing = this.find(login)
    if (existing) {
      if (await isPassword(password, existing)) return
      throw conflict(login)
    }
    const expected = this.#revision(login)
    const stored = { ...user, groups: [...user.groups], disabled: false, ...(await hashPassword(password)) }
    // One after another within this turn, so that they become durable together.
    await Promise.all([
      this.#write(login, `${metadataPrefix}${accountStream(login)}`, any, '$metadata', { $acl: forAdministrators }),
      this.#write(login, accountStream(login), expected, '$UserCreated', stored),
      this.#write(login, usersStream, any, '$User', login),
    ])
  }

  async update(login: string, fullName: string, groups: readonly string[]): Promise<void> {
    check({ loginName: login, fullName, groups })
    await this.#change(login, () => ({ fullName, groups: [...groups] }))
  }

  async setDisabled(login: string, disabled: boolean): Promise<void> {
    await this.#change(login, () => ({ disabled }))
  }

  /** Throws `access-denied` when the present password is another one. */
  async changePassword(login: string, present: string, password: string): Promise<void> {
    checkPassword(password)
    await this.#change(login, async (user) => {
      if (!(await isPassword(present, user))) throw accessDenied()
      return hashPassword(password)
    })
  }

  async resetPassword(login: string, password: string): Promise<void> {
    checkPassword(password)
    await this.#change(login, () => hashPassword(password))
  }

  async remove(login: string): Promise<void> {
    this.get(login)
    const expected = this.#revision(login)
    await written(login, (answer) => this.#store.writer.softDelete(accountStream(login), expected, answer))
  }

  get(login: string): User {
    const user = this.find(login)
    if (!user) throw userNotFound(login)
    return user
  }

  async #change(login: string, changed: (user: User) => Partial<StoredUser> | PasswordHash | Promise<PasswordHash>): Promise<void> {
    const { lastUpdated, ...user } = this.get(login)
    const expected = this.#revision(login)
    const next: StoredUser = { ...user, ...(await changed({ ...user, lastUpdated })) }
    await this.#write(login, accountStream(login), expected, '$UserUpdated', next)
  }

  #revision(login: string): number {
    return this.#store.streams.get(accountStream(login)).committed.last
  }

  #write(login: string, stream: string, expected: Expected, type: string, data: object | string): Promise<void> {
    const isJson = typeof data !== 'string'
    const event = {
      id: randomUUID(),
      type: Buffer.from(type),
      isJson,
      metadata: Buffer.alloc(0),
      data: Buffer.from(isJson ? JSON.stringify(data) : data),
    }
    return written(login, (answer) => this.#store.writer.append(stream, expected, [event], answer))
  }
}

/** Somebody else who changed the account meanwhile makes it a conflict. */
function written(login: string, write: (answer: (outcome: Outcome) => void) => void): Promise<void> {
  return new Promise((resolve, reject) =>
    write((outcome) => {
      if (outcome.kind === 'written') resolve()
      else reject(outcome.kind === 'failed' ? storeFailed(outcome.error) : conflict(login))
    }),
  )
}

function check({ loginName, fullName, groups }: Omit<NewUser, 'password'>): void {
  if (loginName === '') throw invalidArgument('The user has no login name.')
  if (groups.length > maxGroups) throw invalidArgument(`A user is in at most ${maxGroups} groups.`)
  const isTooLong = [loginName, fullName, ...groups].some((text) => Buffer.byteLength(text) > maxTextBytes)
  if (isTooLong) throw invalidArgument(`The names of users and groups have at most ${maxTextBytes} bytes.`)
}

function checkPassword(password: string): void {
  if (password === '') throw invalidArgument('A password can not be empty.')
  if (Buffer.byteLength(password) > maxTextBytes) throw invalidArgument(`A password has at most ${maxTextBytes} bytes.`)
}

const conflict = (login: string) =>
  new Status(code.failedPrecondition, 'Conflict.', { exception: 'user-conflict', 'login-name': login })

const userNotFound = (login: string) =>
  new Status(code.notFound, `User '${login}' is not found.`, { exception: 'user-not-found', 'login-name': login })
