// Clients and providers who deal over a program's API, and do not give up while it is killed and started again.
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { resultBytes } from '../../domain/escrow/result-proof.ts'
import { uuidV5 } from '../../domain/ids.ts'
import { postingsOf } from '../../domain/ledger.ts'
import { committed, keyOf, sha256 } from '../support/money-world.ts'
import { type Program, until } from './program.ts'

/** Seconds that nothing in these tests lasts. */
const long = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }
export const result = sha256('the result')

/** One who may be dealt with: the same name is the same key and the same wallet everywhere. */
export interface Party {
  readonly signer: Signer
  readonly walletId: string
}

/** Commands are sent again until they are answered; they are refused only for what `settled` waits for. */
export interface Deals {
  send(by: Signer, type: string, subject: string, data: Record<string, Json>, commandId: string): Promise<void>
  /** A wallet with 10⁶ units in it. */
  party(name: string): Promise<Party>
  /** Opens an escrow over 1,000 units; its id is made of `name`. */
  open(name: string, client: Party, provider: Party, windows?: Partial<typeof long>): Promise<string>
  hold(escrowId: string, client: Party): Promise<void>
  /** Waits until the money is in the escrow. */
  start(escrowId: string, provider: Party): Promise<void>
  deliver(escrowId: string, provider: Party): Promise<void>
  release(escrowId: string, client: Party): Promise<void>
}

/** An id that is the same in every run. */
export const idOf = (name: string) => uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', name)

/** `current` is the program that runs now, if one does. */
export function deals(current: () => Program): Deals {
  const send: Deals['send'] = async (by, type, subject, data, commandId) => {
    let envelope: unknown
    await until(`${type} ${subject} is accepted`, async () => {
      const { http, networkId: audience = '' } = current().run
      envelope ??= signCommand(by, { type, subject, data, commandId, issuedAt: new Date().toISOString(), audience })
      const answer = await fetch(new URL('/v1/commands', http), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(envelope),
      }).catch(() => undefined)
      if (answer?.ok) return true
      const { code } = ((await answer?.json().catch(() => undefined)) ?? {}) as { code?: string }
      // The money is not there yet, or nobody answers just now.
      if (!answer || answer.status === 503 || code === 'EscrowNotCaptured') return false
      if (code === 'EscrowNotInStatus' && type === 'StartEscrow') return false
      throw new Error(`${type} ${subject}: ${answer.status} ${code}`)
    })
  }
  const step = (by: Party, type: string, escrowId: string, data: Record<string, Json> = {}) =>
    send(by.signer, type, escrowId, data, idOf(`${type} ${escrowId}`))

  return {
    send,
    async party(name) {
      const [signer, walletId] = [keyOf(name), idOf(`wallet ${name}`)]
      await send(signer, 'OpenWallet', walletId, {}, walletId)
      await send(signer, 'IssueTestDeposit', walletId, { amount: '1000000' }, idOf(`deposit ${name}`))
      return { signer, walletId }
    },
    async open(name, client, provider, windows = {}) {
      const escrowId = idOf(`escrow ${name}`)
      const data = {
        client: client.walletId,
        provider: provider.walletId,
        amount: '1000',
        terms: committed('terms'),
        fallbackProviderPermille: 500,
        windows: { ...long, ...windows },
      }
      await send(client.signer, 'OpenEscrow', escrowId, data, escrowId)
      return escrowId
    },
    hold: (escrowId, { signer, walletId }) => send(signer, 'PlaceHold', walletId, { escrowId }, idOf(`hold ${escrowId}`)),
    start: (escrowId, provider) => step(provider, 'StartEscrow', escrowId),
    deliver(escrowId, provider) {
      const networkId = current().run.networkId!
      const signature = provider.signer.sign(resultBytes({ networkId, escrowId, resultHash: result }))
      return step(provider, 'DeliverResult', escrowId, { resultHash: result, signature })
    },
    release: (escrowId, client) => step(client, 'ReleaseEscrow', escrowId, { resultHash: result }),
  }
}

/** What a log says of money. */
export interface Books {
  /** Accounts of the ledger that are not zero. */
  readonly accounts: Readonly<Record<string, string>>
  /** Every event of wallets and escrows once, without times, in an order of their own. */
  readonly events: readonly string[]
}

export async function booksOf({ run }: Program): Promise<Books> {
  const store = connectEventStore({ connectionString: run.eventStore!, namespace: 'dux' })
  try {
    const accounts = new Map<string, bigint>()
    const events: string[] = []
    for await (const recorded of store.readAll()) {
      const fact = decode(recorded)
      for (const { account, amount } of postingsOf(fact)) accounts.set(account, (accounts.get(account) ?? 0n) + amount)
      if (/^(Escrow|Hold|Credit|Transfer|Result)/.test(fact.type)) events.push(timeless(fact))
    }
    const open = [...accounts].filter(([, amount]) => amount !== 0n).map(([account, amount]) => [account, String(amount)] as const)
    return { accounts: Object.fromEntries(open.sort(([one], [other]) => (one < other ? -1 : 1))), events: events.sort() }
  } finally {
    await store.close()
  }
}

function timeless({ type, data }: Fact): string {
  return `${type} ${JSON.stringify(data, (key, value) => (key === 'dueAt' || key === 'signature' ? undefined : value))}`
}

/** Waits until `escrows` of them are over and nothing is on its way any more, and resolves with what the log says then. */
export async function allSettled(current: () => Program, escrows: number): Promise<Books> {
  return until(`${escrows} escrows are settled`, async () => {
    const books = await booksOf(current()).catch(() => undefined)
    if (!books || Object.keys(books.accounts).some((account) => /^(clearing|escrow):/.test(account))) return undefined
    if (books.events.filter((event) => /^Escrow(Released|Refunded|Resolved|Expired) /.test(event)).length < escrows)
      return undefined
    const { body } = await current()
      .get<string>('/metrics')
      .catch(() => ({ body: '' }))
    return body.includes('\nduxnet_settlement_open_items 0\n') && books
  })
}
