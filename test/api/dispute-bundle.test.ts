// An escrow's bundle as the API gives it, judged without anything else; and every way of bending one.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { judgeBundle } from '../../commands/dispute-bundle.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { leafHash } from '../../domain/merkle.ts'
import { type Api, newSigner, startWhole } from './harness.ts'
import { commitment, disputedEscrow, play, windows } from './money.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests bend any part of it
type Bundle = any

const bundles = suite<{ api: Api; close(): Promise<void>; escrowId: string; bundle: Bundle }>('api/dispute-bundle')
bundles.before(async (context) => {
  const { api, readSide } = await startWhole()
  const { escrowId, position } = await disputedEscrow(api)
  const { body } = await api.get(`/v1/escrows/${escrowId}/dispute-bundle?after=${position}`)
  Object.assign(context, {
    api,
    escrowId,
    bundle: body,
    async close() {
      await readSide.close()
      await api.close()
    },
  })
})
bundles.after(({ close }) => close())

bundles('it holds what belongs to the escrow, and no more', ({ bundle }) => {
  const types = bundle.events.map(({ event }: Bundle) => event.type)
  assert.equal(types, [
    'NetworkFounded',
    'WalletOpened',
    'WalletOpened',
    'EscrowOpened',
    'HoldPlaced',
    'EscrowFunded',
    'HoldCaptured',
    'EscrowStarted',
    'WalletKeyChanged',
    'EscrowPartlyRefunded',
    'EscrowDelivered',
    'EscrowDisputed',
    'EvidenceAdded',
    'DisputeVoted',
    'EscrowResolved',
    'CreditPosted',
    'CreditPosted',
    'CreditPosted',
    'ContributionsSwept',
  ])
})

bundles('it is judged from itself alone', async ({ bundle, escrowId, api }) => {
  const { escrow, legs, contribution, ...rest } = await judgeBundle(bundle, verifySignature)
  assert.equal(rest, { networkId: api.network.networkId, kind: 'test', events: bundle.events.length })
  assert.equal([escrow.escrowId, escrow.status, escrow.rest], [escrowId, 'resolved', 0n])
  assert.equal(
    legs.map(({ leg, amount, creditedAt }) => [leg, amount, creditedAt !== undefined]),
    [
      ['refund-1', 100n, true],
      ['provider', 570n, true],
      ['refund', 300n, true],
    ],
  )
  assert.equal([contribution?.amount, contribution?.sweptAt], [30n, bundle.events.at(-1).index])
})

/** The bundle after `change`; leaves are made again where `change` says so, as whoever bends it would. */
function bent(bundle: Bundle, change: (bundle: Bundle, at: (type: string) => Bundle) => void): Bundle {
  const copy = structuredClone(bundle)
  change(copy, (type) => copy.events.find(({ event }: Bundle) => event.type === type))
  return copy
}

function sealed(entry: Bundle): void {
  entry.leaf = leafHash(canonicalEvent(entry.event)).toString('hex')
}

const without = (bundle: Bundle, type: string) => {
  bundle.events = bundle.events.filter(({ event }: Bundle) => event.type !== type)
}

const bendings: Readonly<Record<string, [change: Parameters<typeof bent>[1], says: string]>> = {
  'a changed event': [(_, at) => (at('EscrowResolved').event.data.providerAmount = '571'), 'leaf hash'],
  'a changed amount with its leaf': [
    (_, at) => {
      at('EscrowResolved').event.data.providerAmount = '571'
      sealed(at('EscrowResolved'))
    },
    'decided otherwise',
  ],
  'a changed credit': [
    (_, at) => {
      at('CreditPosted').event.data.amount = '101'
      sealed(at('CreditPosted'))
    },
    'decided otherwise',
  ],
  'a hold of another amount': [
    (_, at) => {
      at('HoldPlaced').event.data.amount = '999'
      sealed(at('HoldPlaced'))
    },
    'HoldPlaced at',
  ],
  'another signature': [
    (bundle, at) => {
      at('EscrowOpened').event.metadata.signature = at('EscrowDelivered').event.metadata.signature
      sealed(at('EscrowOpened'))
      assert.ok(bundle)
    },
    'SignatureInvalid',
  ],
  'another network': [(bundle) => (bundle.networkId = bundle.escrowId), 'that it names'],
  'another escrow': [(bundle) => (bundle.escrowId = bundle.networkId), 'that it names'],
  'a missing vote': [(bundle) => without(bundle, 'DisputeVoted'), 'EscrowResolved'],
  'a missing dispute': [(bundle) => without(bundle, 'EscrowDisputed'), 'follows revision'],
  'a missing change of key': [(bundle) => without(bundle, 'WalletKeyChanged'), 'SignerNotAllowed'],
  'a missing capture': [(bundle) => without(bundle, 'HoldCaptured'), 'EscrowNotCaptured'],
  'a missing founding': [(bundle) => without(bundle, 'NetworkFounded'), 'does not begin'],
  'another order': [(bundle) => bundle.events.reverse(), 'order of the log'],
  'an event twice': [(bundle) => bundle.events.push({ ...bundle.events.at(-1), index: 1_000_000 }), 'ContributionsSwept'],
  'no events': [(bundle) => (bundle.events = []), 'no dispute bundle'],
  'another format': [(bundle) => (bundle.format = 'x'), 'no dispute bundle'],
}

for (const [what, [change, says]] of Object.entries(bendings))
  bundles(`${what} is found`, async ({ bundle }) => {
    const found = await judgeBundle(bent(bundle, change), verifySignature).then(
      () => 'nothing',
      (error: Error) => `${error.name}: ${error.message}`,
    )
    assert.match(found, /^BundleInvalid: /)
    assert.match(found, says)
  })

bundles('an escrow that goes on has a bundle too, and of one that nobody opened there is none', async ({ api }) => {
  const [client, provider] = [newSigner(), newSigner()]
  const [from, to, escrowId] = [randomUUID(), randomUUID(), randomUUID()]
  const terms = { client: from, provider: to, amount: '5', terms: commitment, fallbackProviderPermille: 0, windows }
  const { position } = await play(api, [
    [client, 'OpenWallet', from, {}, from],
    [provider, 'OpenWallet', to, {}, to],
    [client, 'OpenEscrow', escrowId, terms, escrowId],
  ])
  const { body, headers } = await api.get(`/v1/escrows/${escrowId}/dispute-bundle?after=${position}`)
  const { escrow, legs, contribution } = await judgeBundle(body, verifySignature)
  assert.equal([escrow.status, legs, contribution], ['open', [], undefined])
  const path = `/v1/escrows/${escrowId}/dispute-bundle`
  assert.is((await api.get(path, { 'if-none-match': headers.get('etag')! })).status, 304)
  assert.is((await api.get(`/v1/escrows/${from}/dispute-bundle`)).body.code, 'EscrowUnknown')
})

bundles.run()
