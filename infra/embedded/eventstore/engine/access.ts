import { accessDenied } from '../grpc/status.ts'
import { administrators, everyone, isAdministrator, isAmong, type Principal } from '../security/principal.ts'
import type { Log } from '../storage/log.ts'
import { StoredRecord } from '../storage/record.ts'
import { isAccountStream } from './accounts.ts'
import { type Acl, type Right, readAcl } from './acl.ts'
import { parseLenientObject } from './lenient-json.ts'
import { readVisible } from './links.ts'
import { type Head, isMetadataStream, metadataPrefix, type Streams } from './streams.ts'

/** What somebody does with a stream; a metadata stream is written to by who may write the metadata of its stream. */
export type Deed = 'read' | 'write' | 'delete'

export const allStream = '$all'
export const settingsStream = '$settings'

const rightTo: Readonly<Record<Deed, Right>> = { read: '$r', write: '$w', delete: '$d' }
const metadataRightTo = { read: '$mr', write: '$mw' } as const

/** The access lists of streams that have none: those of system streams, and those of all others. */
interface Defaults {
  readonly user: Acl
  readonly system: Acl
}

const builtIn: Readonly<Record<keyof Defaults, string>> = { user: everyone, system: administrators }
const noDefaults: Defaults = { user: {}, system: {} }

/** Who may do what with which stream: its own access list over the defaults in `$settings` over the built-in ones. */
export class Access {
  readonly #log: Log
  readonly #streams: Streams
  #defaults = noDefaults
  /** Of which state of `$settings` the defaults are. */
  #readFrom: Head | undefined

  constructor(log: Log, streams: Streams) {
    this.#log = log
    this.#streams = streams
  }

  allows(principal: Principal, deed: Deed, stream: string): boolean {
    if (principal.kind === 'system') return true
    // A list that names everyone means everyone who has an account.
    if (principal.kind === 'anonymous' || principal.isRevoked) return false
    if (stream === allStream && deed !== 'read') return false
    const isMetadata = isMetadataStream(stream)
    if (isMetadata && deed === 'delete') return false
    if (isAdministrator(principal)) return true
    const owner = isMetadata ? stream.slice(metadataPrefix.length) : stream
    const right = isMetadata && deed !== 'delete' ? metadataRightTo[deed] : rightTo[deed]
    const names = this.#namesFor(right, owner)
    return names.includes(everyone) || isAmong(principal, names)
  }

  /** Throws `access-denied` when it is not allowed. */
  demand(principal: Principal, deed: Deed, stream: string): void {
    if (!this.allows(principal, deed, stream)) throw accessDenied()
  }

  #namesFor(right: Right, stream: string): readonly string[] {
    const kind = stream.startsWith('$') ? 'system' : 'user'
    // Who opens the system streams does not mean that everybody may make themselves an administrator.
    const defaults = isAccountStream(stream) ? undefined : this.#settings()[kind][right]
    return this.#listOf(stream)[right] ?? defaults ?? [builtIn[kind]]
  }

  /** What is the metadata of a metadata stream lists nobody. */
  #listOf(stream: string): Acl {
    return isMetadataStream(stream) ? {} : this.#streams.get(stream).metadata.committed.limits.acl
  }

  #settings(): Defaults {
    const { committed } = this.#streams.get(settingsStream)
    if (committed !== this.#readFrom) {
      const record = readVisible(this.#log, this.#streams, settingsStream, -1)
      this.#defaults = record ? defaultsIn(record) : noDefaults
      this.#readFrom = committed
    }
    return this.#defaults
  }
}

function defaultsIn(record: Buffer): Defaults {
  try {
    const settings = parseLenientObject(new StoredRecord(record).data.toString('utf8'))
    const list = (key: string) => (settings.has(key) ? readAcl(settings.get(key)!) : {})
    return { user: list('$userStreamAcl'), system: list('$systemStreamAcl') }
  } catch {
    return noDefaults
  }
}
