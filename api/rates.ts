import type { Clock } from '../commands/ports.ts'
import { ApiProblem } from './problem.ts'

/** How fast strangers may make the log longer: commands a minute that are accepted, with a minute's worth at once. 0: no limit. */
export interface Rates {
  /** Of what anybody may open without having been here before, by address. */
  readonly openingsPerMinute: number
  /** Of all commands but heartbeats, which have a limit of their own, by key. */
  readonly commandsPerMinute: number
}

/** Where a command counts. */
export interface RateLimit {
  /** Throws `CommandsTooMany`. */
  check(): void
  /** Counts it. Only what was accepted counts: nobody uses up another's share by what he cannot sign. */
  spend(): void
}

/** Needs nothing but a new key. */
const openings: ReadonlySet<unknown> = new Set(['OpenWallet', 'RegisterNode', 'CreateWebhook', 'DiscloseContent'])

/** The limits that a command falls under; `address` is the sender's. */
export type RateLimits = (command: { readonly type: unknown; readonly key: unknown }, address: string) => RateLimit

export function rateLimits({ openingsPerMinute, commandsPerMinute }: Rates, clock: Clock): RateLimits {
  const byAddress = buckets(openingsPerMinute, 'address', clock)
  const byKey = buckets(commandsPerMinute, 'key', clock)
  return ({ type, key }, address) => {
    const limits: RateLimit[] = []
    if (openings.has(type)) limits.push(byAddress(networkOf(address)))
    if (type !== 'RecordHeartbeat' && typeof key === 'string') limits.push(byKey(key))
    return {
      check() {
        for (const limit of limits) limit.check()
      },
      spend() {
        for (const limit of limits) limit.spend()
      },
    }
  }
}

interface Bucket {
  tokens: number
  /** When it had them, in milliseconds since 1970. */
  at: number
}

/** More senders than this are forgotten when their buckets are full again. */
const bucketsMax = 10_000

/** Token buckets by name, which fill within a minute. */
function buckets(perMinute: number, by: 'address' | 'key', clock: Clock): (name: string) => RateLimit {
  const known = new Map<string, Bucket>()
  const perMs = perMinute / 60_000

  function bucketOf(name: string): Bucket {
    const now = clock().getTime()
    const { tokens, at } = known.get(name) ?? { tokens: perMinute, at: now }
    return { tokens: Math.min(perMinute, tokens + Math.max(0, now - at) * perMs), at: now }
  }

  function forgetFull(): void {
    for (const name of known.keys()) if (bucketOf(name).tokens >= perMinute) known.delete(name)
  }

  if (perMinute === 0) return () => ({ check() {}, spend() {} })
  return (name) => ({
    check() {
      const { tokens } = bucketOf(name)
      if (tokens >= 1) return
      const retryAfterSeconds = Math.ceil((1 - tokens) / perMs / 1000)
      throw new ApiProblem('CommandsTooMany', { by, perMinute, retryAfterSeconds })
    },
    spend() {
      const bucket = bucketOf(name)
      known.set(name, { ...bucket, tokens: bucket.tokens - 1 })
      if (known.size > bucketsMax) forgetFull()
    },
  })
}

/** An IPv6 sender has at least a /64 of addresses to choose from; IPv4 is often written within IPv6. */
function networkOf(address: string): string {
  const ipv4 = /(\d+\.){3}\d+$/.exec(address)
  if (ipv4) return ipv4[0]
  const [head = '', tail = ''] = address.split('::')
  const groups = head.split(':').filter(Boolean)
  const after = tail.split(':').filter(Boolean)
  const zeros = address.includes('::') ? new Array<string>(Math.max(0, 8 - groups.length - after.length)).fill('0') : []
  return [...groups, ...zeros, ...after].slice(0, 4).join(':')
}
