import { createHash } from 'node:crypto'
import { signerFrom, verifySignature } from '../../adapters/crypto/ed25519.ts'
import { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { decideGenesis } from '../../commands/network.ts'
import type { CommandOutcome, EventStore, Signer, SubmitCommand } from '../../commands/ports.ts'
import { signCommand } from '../../commands/sign.ts'
import { createSubmit, type SubmitDeps } from '../../commands/submit.ts'
import type { Json } from '../../domain/canonical.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import type { Envelope, SignedCommand } from '../../domain/envelope.ts'
import { resultBytes } from '../../domain/escrow/result-proof.ts'
import type { RecordedEvent } from '../../domain/event.ts'
import { uuidV5 } from '../../domain/ids.ts'
import { initialPolicy, type MoneyPolicy, moneyPolicy, type Policy } from '../../domain/network/policy.ts'
import { streamName } from '../../domain/stream.ts'
import { walletKeyProofBytes } from '../../domain/wallet/key-proof.ts'

export const namespace = 'dux'
export const stewardNames = ['steward-1', 'steward-2', 'steward-3']
export const arbiterNames = ['arbiter-1', 'arbiter-2', 'arbiter-3']

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** The key of a name: the same in every world, and so are all signatures. */
export function keyOf(name: string): Signer {
  const known = keys.get(name)
  if (known) return known
  const key = signerFrom(createHash('sha256').update(`key of ${name}`).digest())
  keys.set(name, key)
  return key
}

/** A key pair takes milliseconds to make. */
const keys = new Map<string, Signer>()

/** A commitment to a text, with a salt that is made of it. */
export function committed(text: string): string {
  return commitmentOf(createHash('sha256').update(`salt of ${text}`).digest(), Buffer.from(text))
}

export interface MoneyWorldOptions {
  readonly name?: string
  readonly kind?: 'test' | 'main'
  readonly money?: Partial<Omit<MoneyPolicy, 'withdrawal'>> & { readonly withdrawal?: Partial<MoneyPolicy['withdrawal']> }
  /** The arbiters' threshold of their three; 0: there are none. */
  readonly arbiters?: number
  readonly store?: EventStore
}

export interface MoneyWorld {
  readonly store: EventStore
  readonly networkId: string
  /** Our clock; it stands still until it is moved. */
  readonly clock: { now: Date; forward(seconds: number): void }
  /** Another process on the same log, with a cache of its own. */
  instance(deps?: Partial<SubmitDeps>): SubmitCommand
  /** A signed command with the next command id. Without a subject it opens what has its id. */
  order(by: Signer, type: string, subject: string | undefined, data?: Record<string, Json>, over?: Partial<SignedCommand>): Envelope
  /** Sends it to the world's own instance. Throws `DomainError`. */
  send(by: Signer, type: string, subject: string | undefined, data?: Record<string, Json>): Promise<CommandOutcome>
  /** A wallet of its own for the key; answers its id. */
  openWallet(owner: Signer): Promise<string>
  /** The `data` of a `ChangeWalletKey` by command `commandId`. */
  provenKey(walletId: string, commandId: string, key: Signer): Record<string, Json>
  /** The `data` of a `DeliverResult`. */
  signedResult(provider: Signer, escrowId: string, resultHash: string): Record<string, Json>
  log(): Promise<RecordedEvent[]>
}

/** A network with all its offices over an empty log, the same to the byte each time: ids, keys and the clock come from nothing but `name`. */
export async function moneyWorld({
  name = 'money',
  kind = 'test',
  money = {},
  arbiters = 2,
  store = memoryEventStore({ namespace }),
}: MoneyWorldOptions = {}): Promise<MoneyWorld> {
  const networkId = uuidV5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', name)
  const clock = {
    now: new Date('2026-02-01T00:00:00.000Z'),
    forward(seconds: number) {
      clock.now = new Date(clock.now.getTime() + seconds * 1000)
    },
  }
  let commands = 0
  const nextId = () => uuidV5(networkId, `command ${++commands}`)
  const order: MoneyWorld['order'] = (by, type, subject, data = {}, over = {}) => {
    const commandId = over.commandId ?? nextId()
    const issuedAt = clock.now.toISOString()
    return signCommand(by, { type, subject: subject ?? commandId, data, commandId, issuedAt, audience: networkId, ...over })
  }
  const genesis = order(keyOf('authority'), 'FoundNetwork', networkId, genesisOf({ kind, money, arbiters }))
  const { events } = decideGenesis(genesis, namespace, clock.now.toISOString())
  await store.append(streamName(namespace, 'network', networkId), 'no_stream', events)

  const instance: MoneyWorld['instance'] = (deps = {}) =>
    createSubmit({ store, namespace, networkId, verify: verifySignature, clock: () => clock.now, ...deps })
  const submit = instance()
  const send: MoneyWorld['send'] = (...args) => submit(order(...args))
  return {
    store,
    networkId,
    clock,
    instance,
    order,
    send,
    openWallet: async (owner) => (await send(owner, 'OpenWallet', undefined)).commandId,
    provenKey: (walletId, commandId, { publicKey, sign }) => ({
      publicKey,
      proof: sign(walletKeyProofBytes({ networkId, walletId, publicKey, commandId })),
    }),
    signedResult: ({ sign }, escrowId, resultHash) => ({
      resultHash,
      signature: sign(resultBytes({ networkId, escrowId, resultHash })),
    }),
    async log() {
      const events: RecordedEvent[] = []
      for await (const event of store.readAll()) events.push(event)
      return events
    },
  }
}

function genesisOf({ kind, money, arbiters }: Required<Pick<MoneyWorldOptions, 'kind' | 'money' | 'arbiters'>>) {
  const initial = moneyPolicy(initialPolicy)
  const policy: Policy = {
    ...initialPolicy,
    money: { ...initial, ...money, withdrawal: { ...initial.withdrawal, ...money.withdrawal } },
  }
  const members = (names: readonly string[]) => names.map((name) => keyOf(name).publicKey)
  return {
    kind,
    authority: keyOf('authority').publicKey,
    serviceKeys: Object.fromEntries(['health', 'settlement', 'chain'].map((role) => [role, keyOf(role).publicKey])),
    logKey: keyOf('log').publicKey,
    stewards: { members: members(stewardNames), threshold: 2 },
    arbiters: { members: arbiters ? members(arbiterNames) : [], threshold: arbiters },
    governors: { members: [], threshold: 0 },
    policy,
  }
}
