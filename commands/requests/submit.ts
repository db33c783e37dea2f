import { z } from 'zod'
import { DomainError, malformed } from '../../domain/errors.ts'
import type { NetworkState } from '../../domain/network/decider.ts'
import { checkSigned, type Signed } from '../check.ts'
import { checkClock, clockWindowMs } from '../decide.ts'
import { digestOf } from '../folds.ts'
import { createLanes } from '../lanes.ts'
import type { Clock, VerifySignature } from '../ports.ts'
import { requestKindOf } from './catalogue.ts'
import type { PrivateRecords, Records } from './ports.ts'
import type { JsonObject, RequestKind, Surroundings } from './request.ts'

export interface RequestDeps {
  readonly networkId: string
  readonly clock: Clock
  readonly verify: VerifySignature
  readonly records: PrivateRecords
  /** As it is now. Throws what the read models throw. */
  readonly network: () => Promise<NetworkState>
  readonly surroundings: Surroundings
}

export interface RequestOutcome {
  /** `repeated`: it was done before, and this is its first answer but for what is shown only once. */
  readonly outcome: 'done' | 'repeated'
  readonly answer: JsonObject
}

/** The signed requests that are no commands: they use the commands' envelope, and what they change is no part of the log. */
export interface Requests {
  /** Throws `DomainError`, `StreamBusy`, and what Postgres throws: then nothing has happened. */
  submit(envelope: unknown): Promise<RequestOutcome>
  /** What `work` reads for the key that an `AuthorizeReads` of the last minutes was signed by. Throws `DomainError` and what Postgres throws. */
  read<T>(envelope: unknown, work: (reading: Reading) => Promise<T>): Promise<T>
}

export interface Reading {
  readonly records: Records
  /** The key that reads. */
  readonly reader: string
  readonly network: NetworkState
  readonly now: Date
}

/** The longest signed text: a disclosure's content in base64 and what is around it. */
const requestBytesMax = 80 * 1024

/** A request can come again as long as its `issuedAt` is taken, by the clock of any server. */
const rememberedMs = 2 * clockWindowMs + 60_000

const rate = { requestsMax: 60, windowMs: 60_000 }
const waitingMax = 16

/** What a reader signs: whoever shows it within the clock's window reads as its signer. */
export const authorizeReads = { data: z.strictObject({}), subject: 'network' as const }

export function createRequests({ networkId, clock, verify, records, network, surroundings }: RequestDeps): Requests {
  const inLane = createLanes(waitingMax)
  const checks = { networkId, verify, bytesMax: requestBytesMax }

  async function apply({ kind, ...signed }: Signed & { readonly kind: RequestKind }): Promise<RequestOutcome> {
    const { signer, commandId, text } = signed
    const now = clock()
    const given = { ...signed, now, network: await network(), surroundings }
    const digest = digestOf(signer, text)
    const ago = (ms: number) => new Date(now.getTime() - ms)
    let shownOnce: JsonObject | undefined
    const found = await records.once(
      { signer, commandId, digest, at: now, recentSince: ago(rate.windowMs), rememberedSince: ago(rememberedMs) },
      async (within, recent) => {
        if (recent >= rate.requestsMax)
          throw new DomainError('RequestsTooMany', { requestsMax: rate.requestsMax, retryAfterSeconds: rate.windowMs / 1000 })
        const applied = await kind.apply(given, within)
        shownOnce = applied.shownOnce
        return applied.answer
      },
    )
    if ('answer' in found) return { outcome: 'done', answer: { ...(found.answer as JsonObject), ...shownOnce } }
    if (found.before.digest !== digest) throw new DomainError('CommandIdReused', { field: 'command.commandId', commandId })
    return { outcome: 'repeated', answer: found.before.answer as JsonObject }
  }

  return {
    async submit(envelope) {
      const checked = await checkSigned(envelope, requestKindOf, checks)
      checkClock(checked.issuedAt, clock().toISOString())
      checkSubject(checked)
      return inLane(checked.signer, () => apply(checked))
    },
    async read(envelope, work) {
      const checked = await checkSigned(envelope, (type) => (type === 'AuthorizeReads' ? authorizeReads : undefined), checks)
      checkClock(checked.issuedAt, clock().toISOString())
      checkSubject(checked)
      const reading = { reader: checked.signer, network: await network(), now: clock() }
      return records.read((records) => work({ ...reading, records }))
    },
  }
}

function checkSubject({ kind, subject, commandId, networkId }: Signed & { readonly kind: Pick<RequestKind, 'subject'> }): void {
  if (kind.subject === 'network' && subject !== networkId) throw malformed('command.subject', "must be the network's id")
  if (kind.subject === 'new webhook' && subject !== commandId) throw malformed('command.subject', 'must be the command id')
}
