import { randomUUID } from 'node:crypto'
import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import { proveWalletKey, signResult } from '../../commands/sign.ts'
import { contributionsDigest } from '../../domain/fund/contributions.ts'
import { type Api, countEvents, newSigner } from './harness.ts'

export const commitment = Buffer.alloc(32, 7).toString('base64url')
export const resultHash = 'ab'.repeat(32)
export const windows = { fund: 60, start: 60, deliver: 60, accept: 60, resolve: 60 }

/** Sends commands one after the other; what the last one was answered. */
export async function play(
  api: Api,
  steps: readonly [signer: Signer, type: string, subject: string, data: object, commandId?: string][],
) {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any answer
  let last: any
  for (const [signer, type, subject, data, commandId = randomUUID()] of steps) {
    const reply = await api.post('/v1/commands', api.sign(signer, type, subject, data, { commandId }))
    assert.is(reply.status, 201, `${type}: ${reply.text}`)
    last = reply.body
  }
  return last
}

export interface Disputed {
  readonly escrowId: string
  /** Their wallets, and the keys that speak for them now. */
  readonly from: string
  readonly to: string
  readonly client: Signer
  readonly provider: Signer
  /** Of the last event. */
  readonly position: string
}

/** An escrow that was disputed, decided, credited and swept, between wallets of which one changed its key. */
export async function disputedEscrow(api: Api): Promise<Disputed> {
  const [client, provider, next] = [newSigner(), newSigner(), newSigner()]
  const { settlement } = api.services
  const [from, to, escrowId, keyChange] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const { networkId } = api.network
  const terms = { client: from, provider: to, amount: '1000', terms: commitment, fallbackProviderPermille: 500, windows }
  await play(api, [
    [client, 'OpenWallet', from, {}, from],
    [provider, 'OpenWallet', to, {}, to],
    [client, 'IssueTestDeposit', from, { amount: '5000' }],
    [client, 'OpenEscrow', escrowId, terms, escrowId],
    [client, 'PlaceHold', from, { escrowId }],
    [settlement, 'RecordFunding', escrowId, {}],
    [settlement, 'CaptureHold', from, { escrowId }],
    [provider, 'StartEscrow', escrowId, {}],
    [provider, 'ChangeWalletKey', to, proveWalletKey(next, { networkId, walletId: to, commandId: keyChange }), keyChange],
    [next, 'GrantRefund', escrowId, { amount: '100' }],
    [next, 'DeliverResult', escrowId, { resultHash, signature: signResult(next, { networkId, escrowId, resultHash }) }],
    [client, 'OpenDispute', escrowId, { reason: commitment }],
    [next, 'AddEvidence', escrowId, { evidence: commitment }],
    [api.authority, 'VoteOnDispute', escrowId, { providerAmount: '600' }],
  ])
  const index = (await countEvents(api.store)) - 1
  const swept = [{ index, escrowId, amount: 30n }]
  const range = { fromIndex: 0, toIndex: index, count: 1, amount: '30', listDigest: contributionsDigest(swept) }
  const credit = (leg: string) => ({ source: { kind: 'escrow', escrowId, leg } })
  const { position } = await play(api, [
    [settlement, 'PostCredit', from, credit('refund-1')],
    [settlement, 'PostCredit', to, credit('provider')],
    [settlement, 'PostCredit', from, credit('refund')],
    [settlement, 'SweepContributions', 'community', range],
    [client, 'IssueTestDeposit', from, { amount: '1' }],
  ])
  return { escrowId, from, to, client, provider: next, position }
}
