import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { SlowWork } from './slow-work.ts'

/** What is kept of a password: a salted hash that takes its time, and what it was made with. */
export interface PasswordHash {
  /** `scrypt:N:r:p:` and the hash in base64. */
  readonly hash: string
  /** In base64. */
  readonly salt: string
}

/** 16 MiB and about a twentieth of a second for each guess. */
const cost = { N: 2 ** 14, r: 8, p: 1 }
const maxMemory = 32 * 1024 * 1024
const bytes = 32

/** Two at a time leave the other threads of the pool to the log. */
const work = new SlowWork(2, 256)

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)
const hashed = (password: string, salt: Buffer, { N, r, p }: typeof cost) =>
  work.run(() => derive(password.normalize(), salt, bytes, { N, r, p, maxmem: maxMemory }))

export async function hashPassword(password: string): Promise<PasswordHash> {
  const salt = randomBytes(16)
  const hash = await hashed(password, salt, cost)
  return { hash: `scrypt:${cost.N}:${cost.r}:${cost.p}:${hash.toString('base64')}`, salt: salt.toString('base64') }
}

/** Without a hash it takes as long, so that nobody learns from the time which logins exist. */
export async function isPassword(password: string, kept: PasswordHash | undefined): Promise<boolean> {
  const [, N, r, p, hash] = /^scrypt:(\d+):(\d+):(\d+):(.+)$/.exec(kept?.hash ?? '') ?? []
  if (!kept || hash === undefined) {
    await hashed(password, randomBytes(16), cost)
    return false
  }
  const expected = Buffer.from(hash, 'base64')
  const found = await hashed(password, Buffer.from(kept.salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) })
  return expected.length === found.length && timingSafeEqual(expected, found)
}
