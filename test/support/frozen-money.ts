// The story that `test/frozen/log.v2.ndjson` tells: every event of money at least once, by really signed and decided commands.
// `node test/support/frozen-money.ts` prints it as it is decided today. The file itself is never made again.

import type { Signer } from '../../commands/ports.ts'
import { reconciliationId } from '../../domain/audit/decider.ts'
import type { Json } from '../../domain/canonical.ts'
import { canonicalEvent } from '../../domain/event.ts'
import { contributionsDigest } from '../../domain/fund/contributions.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { ownIdOf } from '../../domain/wallet/state.ts'
import { committed, keyOf, type MoneyWorld, moneyWorld, sha256 } from './money-world.ts'

const [alice, bob, carol, verifier] = ['alice', 'bob', 'carol', 'verifier'].map(keyOf) as [Signer, Signer, Signer, Signer]
const [authority, settlement, chain] = ['authority', 'settlement', 'chain'].map(keyOf) as [Signer, Signer, Signer]
const [steward1, steward2] = [keyOf('steward-1'), keyOf('steward-2')]
const arbiters = [keyOf('arbiter-1'), keyOf('arbiter-2'), keyOf('arbiter-3')] as const
const windows = { fund: 600, start: 600, deliver: 600, accept: 600, resolve: 600 }
const block = (height: number) => ({ blockHash: sha256(`block ${height}`), height })

export async function tellFrozenMoney(): Promise<MoneyWorld> {
  const world = await moneyWorld({
    name: 'frozen-money',
    money: {
      withdrawal: { reviewAmount: '5000', newDestinationAmount: '4000', velocityAmountMax: '8000', velocityCountMax: 2 },
    },
  })
  const wallets = {
    alice: await world.openWallet(alice),
    bob: await world.openWallet(bob),
    carol: await world.openWallet(carol),
  }
  const story = { ...world, wallets, ...stepsOf(world, wallets) }
  await story.send(authority, 'IssueTestDeposit', wallets.alice, { amount: '1000000' })
  await released(story)
  await disputed(story)
  await endedEarly(story)
  await timesOver(story)
  await transferred(story)
  await spent(story)
  await withdrawn(story)
  await owed(story)
  await reconciled(story)
  return world
}

type Wallets = { readonly alice: string; readonly bob: string; readonly carol: string }
type Story = MoneyWorld & { readonly wallets: Wallets } & ReturnType<typeof stepsOf>

function stepsOf({ send, clock }: MoneyWorld, { alice: client, bob: provider }: Wallets) {
  async function open(data: Record<string, Json> = {}): Promise<string> {
    const terms = committed('terms')
    const agreed = { client, provider, amount: '10001', terms, fallbackProviderPermille: 300, windows, ...data }
    return (await send(alice, 'OpenEscrow', undefined, agreed)).commandId
  }
  async function fund(escrowId: string): Promise<void> {
    await send(alice, 'PlaceHold', client, { escrowId })
    await send(settlement, 'RecordFunding', escrowId)
    await send(settlement, 'CaptureHold', client, { escrowId })
  }
  async function begin(data?: Record<string, Json>): Promise<string> {
    const escrowId = await open(data)
    await fund(escrowId)
    await send(bob, 'StartEscrow', escrowId)
    return escrowId
  }
  async function credit(walletId: string, escrowId: string, leg: string): Promise<void> {
    await send(settlement, 'PostCredit', walletId, { source: { kind: 'escrow', escrowId, leg } })
  }
  async function pass(escrowId: string, status: string): Promise<void> {
    const dueAt = new Date(clock.now.getTime() + 600_000).toISOString()
    clock.forward(600)
    await send(settlement, 'PassDeadline', escrowId, { status, dueAt })
  }
  return { open, fund, begin, credit, pass }
}

/** A refund in part, a result that is mended, acceptance, and both sides paid. */
async function released({ send, begin, credit, signedResult, wallets, clock }: Story): Promise<void> {
  const escrowId = await begin()
  clock.forward(60)
  await send(bob, 'GrantRefund', escrowId, { amount: '1000' })
  await credit(wallets.alice, escrowId, 'refund-1')
  await send(bob, 'DeliverResult', escrowId, signedResult(bob, escrowId, sha256('first result')))
  await send(bob, 'DeliverResult', escrowId, signedResult(bob, escrowId, sha256('result')))
  await send(alice, 'ReleaseEscrow', escrowId, { resultHash: sha256('result') })
  await credit(wallets.bob, escrowId, 'provider')
}

/** An independent verifier finds a result wrong; two of three arbiters divide the money. */
async function disputed({ send, begin, credit, signedResult, wallets }: Story): Promise<void> {
  const escrowId = await begin({ verifier: verifier.publicKey })
  await send(bob, 'DeliverResult', escrowId, signedResult(bob, escrowId, sha256('odd result')))
  await send(verifier, 'VerifyResult', escrowId, { resultHash: sha256('odd result'), valid: false })
  await send(bob, 'OpenDispute', escrowId, { reason: committed('the result is right') })
  for (const side of [alice, bob, arbiters[0]])
    await send(side, 'AddEvidence', escrowId, { evidence: committed(`evidence of ${side.publicKey}`) })
  await send(arbiters[0], 'VoteOnDispute', escrowId, { providerAmount: '10001' })
  await send(arbiters[1], 'VoteOnDispute', escrowId, { providerAmount: '6001' })
  await send(arbiters[0], 'VoteOnDispute', escrowId, { providerAmount: '6001' })
  await credit(wallets.bob, escrowId, 'provider')
  await credit(wallets.alice, escrowId, 'refund')
}

/** One is cancelled while its hold is on its way, one is declined. */
async function endedEarly({ send, open, fund, credit, wallets }: Story): Promise<void> {
  const cancelled = await open()
  await send(alice, 'PlaceHold', wallets.alice, { escrowId: cancelled })
  await send(alice, 'CancelEscrow', cancelled)
  await send(settlement, 'ReleaseHold', wallets.alice, { escrowId: cancelled })
  const declined = await open()
  await fund(declined)
  await send(bob, 'DeclineEscrow', declined)
  await credit(wallets.alice, declined, 'refund')
}

/** Nobody pays, nobody delivers, and a verifier and the arbiters are silent. */
async function timesOver({ send, open, begin, credit, pass, signedResult, wallets }: Story): Promise<void> {
  await pass(await open(), 'open')
  const undelivered = await begin()
  await pass(undelivered, 'in_progress')
  await credit(wallets.alice, undelivered, 'refund')
  const unverified = await begin({ verifier: verifier.publicKey })
  await send(bob, 'DeliverResult', unverified, signedResult(bob, unverified, sha256('unseen result')))
  await pass(unverified, 'delivered')
  await pass(unverified, 'disputed')
  await credit(wallets.bob, unverified, 'provider')
  await credit(wallets.alice, unverified, 'refund')
}

async function transferred({ send, order, instance, provenKey, wallets }: Story): Promise<void> {
  const { commandId } = await send(alice, 'Transfer', wallets.alice, { to: wallets.carol, amount: '20000' })
  const source = { kind: 'transfer', transferId: ownIdOf(wallets.alice, commandId), from: wallets.alice }
  await send(settlement, 'PostCredit', wallets.carol, { source })
  const change = order(carol, 'ChangeWalletKey', wallets.carol).command
  const data = provenKey(wallets.carol, change.commandId, keyOf('carol, again'))
  await instance()(order(carol, 'ChangeWalletKey', wallets.carol, data, { commandId: change.commandId }))
}

/** Contributions are swept; two stewards spend some of them, and think better of the rest. */
async function spent({ send, log, clock, wallets }: Story): Promise<void> {
  const contributions = (await log()).flatMap(({ data }, index) => {
    const { escrowId, fundAmount } = data as { escrowId: string; fundAmount?: string }
    return fundAmount && fundAmount !== '0' ? [{ index, escrowId, amount: BigInt(fundAmount) }] : []
  })
  const amount = String(contributions.reduce((sum, { amount }) => sum + amount, 0n))
  const range = { fromIndex: 0, toIndex: contributions.at(-1)!.index, count: contributions.length, amount }
  await send(settlement, 'SweepContributions', fundId, { ...range, listDigest: contributionsDigest(contributions) })
  const expiresAt = new Date(clock.now.getTime() + 86_400_000).toISOString()
  const asked = { to: wallets.carol, category: 'developer_grants', expiresAt }
  const one = await send(steward1, 'ProposeSpending', fundId, { ...asked, amount: '500', purpose: committed('documentation') })
  const other = await send(steward2, 'ProposeSpending', fundId, { ...asked, amount: '1', purpose: committed('a sticker') })
  for (const steward of [steward1, steward2]) await send(steward, 'ApproveSpending', fundId, { proposalId: one.commandId })
  await send(settlement, 'PostCredit', wallets.carol, { source: { kind: 'spending', proposalId: one.commandId } })
  await send(steward2, 'WithdrawProposal', fundId, { proposalId: other.commandId })
}

/** Two transactions of one withdrawal, of which the chain prefers first one and then the dearer other; and three that are given up. */
async function withdrawn({ send, wallets }: Story): Promise<void> {
  const { alice: walletId } = wallets
  async function request(amount: string, destination = 'home'): Promise<string> {
    const asked = { amount, feeMax: '100', destination: committed(destination) }
    return ownIdOf(walletId, (await send(alice, 'RequestWithdrawal', walletId, asked)).commandId)
  }
  const withdrawalId = await request('3000')
  const [first, second] = [sha256('transaction 1'), sha256('transaction 2')]
  await send(chain, 'RecordWithdrawalTransaction', walletId, { withdrawalId, attempt: 1, txid: first, fee: '40' })
  await send(chain, 'RecordWithdrawalTransaction', walletId, { withdrawalId, attempt: 2, txid: second, fee: '90' })
  await send(chain, 'ConfirmWithdrawal', walletId, { withdrawalId, txid: first, ...block(100) })
  await send(chain, 'UnconfirmWithdrawal', walletId, { withdrawalId, txid: first, reason: 'reorg' })
  await send(chain, 'ConfirmWithdrawal', walletId, { withdrawalId, txid: second, ...block(101) })
  await request('3000')
  const suspicious = await request('6000', 'far away')
  await send(alice, 'CancelWithdrawal', walletId, { withdrawalId: await request('6000', 'far away') })
  await send(steward1, 'ReviewWithdrawal', walletId, { withdrawalId: suspicious, approve: true })
  await send(chain, 'FailWithdrawal', walletId, { withdrawalId: suspicious, reason: 'address_invalid' })
  const doubtful = await request('3000')
  await send(steward2, 'ReviewWithdrawal', walletId, { withdrawalId: doubtful, approve: false })
}

/** A deposit is spoken for when the chain takes it back; the hold that comes free and the deposit that comes again repay the debt. */
async function owed({ send, openWallet, wallets }: Story): Promise<void> {
  const dave = keyOf('dave')
  const walletId = await openWallet(dave)
  const deposit = { txid: sha256('deposit'), vout: 1 }
  const credited = { ...deposit, amount: '3000', confirmations: 6 }
  await send(chain, 'CreditDeposit', walletId, { ...credited, ...block(200) })
  const terms = { client: walletId, provider: wallets.bob, amount: '2500', terms: committed('other terms') }
  const opening = { ...terms, fallbackProviderPermille: 0, windows }
  const { commandId: escrowId } = await send(dave, 'OpenEscrow', undefined, opening)
  await send(dave, 'PlaceHold', walletId, { escrowId })
  await send(chain, 'ReverseDeposit', walletId, { ...deposit, reason: 'reorg' })
  await send(dave, 'CancelEscrow', escrowId)
  await send(settlement, 'ReleaseHold', walletId, { escrowId })
  await send(chain, 'CreditDeposit', walletId, { ...credited, ...block(201) })
}

async function reconciled({ send, clock }: Story): Promise<void> {
  const differ = (expected: string, actual: string) =>
    send(chain, 'OpenDifference', reconciliationId, { subject: 'treasury', expected, actual })
  await differ('3000', '2000')
  clock.forward(30)
  await differ('3000', '3500')
  clock.forward(30)
  await send(chain, 'CloseDifference', reconciliationId, { subject: 'treasury' })
}

if (import.meta.main) for (const event of await (await tellFrozenMoney()).log()) process.stdout.write(`${canonicalEvent(event)}\n`)
