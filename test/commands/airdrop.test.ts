// An airdrop from the fund into wallets, driven by the settlement process: whatever dies on the way, each node is paid once.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { computeAirdrop } from '../../commands/airdrop-result.ts'
import type { Signer } from '../../commands/ports.ts'
import { createSettlementRunner, type SettlementRunnerDeps } from '../../commands/processes/settlement-runner.ts'
import { replayDecisions } from '../../commands/replay.ts'
import { createAirdropFold, resultOf } from '../../domain/airdrop/result.ts'
import { decode, type Fact } from '../../domain/catalogue.ts'
import { type Account, clearingAccounts, postingsOf } from '../../domain/ledger.ts'
import { type AirdropStory, airdropStory } from '../support/frozen-airdrop.ts'
import { committed, keyOf, namespace } from '../support/money-world.ts'
import { isLong, randomFrom, seed } from '../support/random.ts'
import { memorySettlementList } from '../support/settlement-list.ts'

const airdrop = suite('airdrop process')

const settlementKey = keyOf('settlement')
const nodes = Array.from({ length: 7 }, (_, n) => keyOf(`node-${n}`))
const idle = nodes[6]!

interface Stage extends AirdropStory {
  readonly errors: unknown[]
  process(deps?: Partial<SettlementRunnerDeps>): ReturnType<typeof createSettlementRunner>
  /** Rounds of a process of its own until one leaves nothing to do. */
  settle(): Promise<void>
  facts(): Promise<Fact[]>
  /** Accounts of the ledger that are not zero. */
  accounts(): Promise<Readonly<Record<string, bigint>>>
  readonly wallets: readonly string[]
}

async function stage(): Promise<Stage> {
  const story = await airdropStory({ name: 'airdrop' })
  const { networkId, store, clock } = story
  const list = memorySettlementList(store)
  const errors: unknown[] = []
  const process: Stage['process'] = (deps = {}) =>
    createSettlementRunner({
      networkId,
      list,
      airdrop: (campaignId) => computeAirdrop(store, campaignId),
      caughtUp: async () => {},
      submit: story.instance(),
      signer: settlementKey,
      clock: () => clock.now,
      sleep: async () => {},
      onError: (error) => errors.push(error),
      ...deps,
    })
  const facts = async () => (await story.log()).map(decode)
  const wallets: string[] = []
  for (const node of nodes) wallets.push(await story.openWallet(node))
  for (const node of nodes) await story.register(node)
  await story.fill('100000')
  return {
    ...story,
    errors,
    process,
    facts,
    wallets,
    async settle() {
      const runner = process()
      for (let before = -1; before !== (await story.log()).length; ) {
        before = (await story.log()).length
        await runner.round()
      }
    },
    async accounts() {
      const accounts = new Map<Account, bigint>()
      for (const fact of await facts())
        for (const { account, amount } of postingsOf(fact)) accounts.set(account, (accounts.get(account) ?? 0n) + amount)
      return Object.fromEntries([...accounts].filter(([, amount]) => amount !== 0n))
    },
  }
}

/** The window passes; all nodes but the idle one send heartbeats. */
async function throughWindow({ clock, beat }: Stage): Promise<void> {
  for (let minute = 0; minute < 11; minute += 1) {
    clock.forward(60)
    await beat(...nodes.filter((node) => node !== idle))
  }
  clock.forward(1)
}

async function announceFunded(on: Stage): Promise<string> {
  const campaignId = await on.announce({ algorithm: { kind: 'equal' } })
  await on.approve(await on.propose(campaignId))
  return campaignId
}

const of = (facts: readonly Fact[], type: Fact['type']) => facts.filter((fact) => fact.type === type)

airdrop('money comes from the fund, goes to who claimed it, and what is left goes back', async () => {
  const on = await stage()
  const campaignId = await announceFunded(on)
  await on.settle()
  assert.is((await on.accounts())[`airdrop:${campaignId}`], 1000n)
  await throughWindow(on)
  await on.settle()
  const [published] = of(await on.facts(), 'AllotmentsPublished')
  assert.match(JSON.stringify(published!.data), /"considered":7,"allotted":6,"amount":"900"/)
  for (const [n, node] of nodes.slice(0, 4).entries()) await on.claim(node, campaignId, on.wallets[n]!)
  const appeal = { nodeId: await nodeIdOf(on, idle), walletId: on.wallets[6]!, statement: committed('why') }
  await on.send(idle, 'FileAppeal', campaignId, appeal)
  on.clock.forward(1)
  await on.settle()
  on.clock.forward(3600)
  await on.settle()
  assert.is(of(await on.facts(), 'CampaignSettled').length, 0, 'an open appeal keeps it open')
  for (const arbiter of ['arbiter-1', 'arbiter-2'])
    await on.send(keyOf(arbiter), 'VoteOnAppeal', campaignId, { nodeId: appeal.nodeId, award: '77' })
  on.clock.forward(1)
  await on.settle()
  on.clock.forward(1)
  await on.settle()
  const accounts = await on.accounts()
  for (const n of [0, 1, 2, 3]) assert.is(accounts[`wallet:${on.wallets[n]}`], 150n)
  assert.is(accounts[`wallet:${on.wallets[6]}`], 77n)
  assert.is(accounts.fund, 5000n - 677n)
  assert.is(accounts[`airdrop:${campaignId}`], undefined)
  for (const account of clearingAccounts) assert.is(accounts[account], undefined, account)
  assert.equal(on.errors, [])
  assert.equal(await replayed(on), undefined)
})

airdrop('an empty list is published, and all of the money goes back', async () => {
  const on = await stage()
  const campaignId = await on.announce({
    criteria: { slotSeconds: 60, uptimePermilleMin: 0, proofsMin: 1, reputationEndMin: 0, reputationMin: 0, sybilWeightMax: 0 },
  })
  await on.approve(await on.propose(campaignId))
  await on.settle()
  await throughWindow(on)
  await on.settle()
  const [published] = of(await on.facts(), 'AllotmentsPublished')
  assert.match(JSON.stringify(published!.data), /"allotted":0,"amount":"0".*"root":null/)
  on.clock.forward(3601)
  await on.settle()
  assert.is((await on.accounts()).fund, 5000n)
  assert.equal(on.errors, [])
})

airdrop('who is excluded by a budget that is not there: nothing is proposed but the whole of it', async () => {
  const on = await stage()
  const campaignId = await on.announce()
  for (const [amount, why] of [
    ['999', /CommandMalformed.*budget/],
    ['1001', /CommandMalformed.*budget/],
  ] as const)
    try {
      await on.propose(campaignId, amount)
      assert.unreachable(amount)
    } catch (error) {
      assert.match(String(error), why)
    }
})

/** What an airdrop comes to that is disturbed by `process`es that may die; the same for every way to go through it. */
async function wholeStory(disturb: (on: Stage) => Promise<void>): Promise<unknown> {
  const on = await stage()
  const campaignId = await announceFunded(on)
  await disturb(on)
  await on.settle()
  await throughWindow(on)
  await disturb(on)
  await on.settle()
  for (const [n, node] of nodes.slice(0, 5).entries()) await on.claim(node, campaignId, on.wallets[n]!)
  on.clock.forward(1)
  await disturb(on)
  await on.settle()
  on.clock.forward(3601)
  await disturb(on)
  await on.settle()
  const facts = await on.facts()
  const paid = of(facts, 'CreditPosted').flatMap(({ data }) =>
    'source' in data && data.source.kind === 'airdrop' ? [data.walletId] : [],
  )
  assert.is(new Set(paid).size, paid.length, 'nobody twice')
  const [published] = of(facts, 'AllotmentsPublished')
  if (published?.type !== 'AllotmentsPublished') throw new Error('no list was published')
  const { considered, amount, listDigest, root } = published.data
  return [paid.sort(), await on.accounts(), { considered, amount, listDigest, root }]
}

const commandTypes = [
  'RecordCampaignFunding',
  'CloseWindow',
  'ListAllotments',
  'PublishAllotments',
  'ReleasePayouts',
  'SettleCampaign',
  'RecordReturn',
]

/** A process that dies at the nth of the points that `matches`, and never says a word again. */
async function dying(on: Stage, matches: (point: string) => boolean, nth = 1): Promise<boolean> {
  let left = nth
  const mortal = on.process({
    reached(point) {
      if (matches(point)) left -= 1
      if (left <= 0) throw new Error('dead')
    },
  })
  for (let before = -1; left > 0 && before !== (await on.log()).length; ) {
    before = (await on.log()).length
    await mortal.round()
  }
  // Whoever comes after it does so later, and signs other bytes.
  on.clock.forward(1)
  return left <= 0
}

let undisturbed: Promise<unknown> | undefined
const expected = () => (undisturbed ??= wholeStory(async () => {}))

airdrop('a process that dies at any of its steps leaves nothing undone and nothing paid twice', async () => {
  for (const type of commandTypes)
    for (const when of ['before', 'after']) {
      let deaths = 0
      const story = await wholeStory(async (on) => {
        if (await dying(on, (point) => point === `${when} ${type}`)) deaths += 1
      })
      assert.equal(story, await expected(), `${when} ${type}`)
      assert.ok(deaths > 0, `${when} ${type}`)
    }
})

airdrop('nor does one that dies at random, again and again', async () => {
  const random = randomFrom(seed)
  let deaths = 0
  while (deaths < (isLong ? 200 : 20)) {
    const story = await wholeStory(async (on) => {
      for (let n = 0; n < 3; n += 1) if (await dying(on, () => true, 1 + Math.floor(random() * 12))) deaths += 1
    })
    assert.equal(story, await expected())
  }
})

airdrop('two processes at once publish one list and pay once', async () => {
  const story = await wholeStory(async (on) => {
    const [one, other] = [on.process(), on.process()]
    for (let n = 0; n < 3; n += 1) await Promise.all([one.round(), other.round()])
  })
  assert.equal(story, await expected())
})

airdrop('a list that is not what the log says is found by whoever replays it', async () => {
  const on = await stage()
  const campaignId = await announceFunded(on)
  await on.settle()
  await throughWindow(on)
  const cheating = on.process({
    async airdrop(id) {
      const result = await computeAirdrop(on.store, id)
      const [first, ...others] = result.allotments
      const dearer = { ...first!, amount: String(BigInt(first!.amount) - 1n) }
      const fold = createAirdropFold({ only: id })
      for (const event of await on.log()) fold.take(event)
      const { standings, ...judgeable } = fold.standings(id)!
      const rules = { ...judgeable.rules, budget: '994' }
      const other = resultOf({ ...judgeable, rules, standings })
      return { ...result, allotments: [dearer, ...others], publication: other.publication }
    },
  })
  for (let n = 0; n < 4; n += 1) await cheating.round()
  // The decider holds the publication to what was listed.
  assert.match(String(on.errors[0]), /CommandMalformed/)
  assert.is(of(await on.facts(), 'AllotmentsPublished').length, 0)

  const lying = await stage()
  const liarsCampaign = await announceFunded(lying)
  await lying.settle()
  await throughWindow(lying)
  const liar = lying.process({
    airdrop: async (id) => {
      const result = await computeAirdrop(lying.store, id)
      return { ...result, publication: { ...result.publication, considered: 99 } }
    },
  })
  for (let n = 0; n < 4; n += 1) await liar.round()
  assert.is(of(await lying.facts(), 'AllotmentsPublished').length, 1)
  assert.match((await replayed(lying)) ?? '', /^publishes/)
  assert.ok(campaignId !== undefined && liarsCampaign !== undefined)
})

/** What a replay finds wrong. */
async function replayed(on: Stage): Promise<string | undefined> {
  return (await replayDecisions(await on.log(), { namespace, verify: verifySignature })).difference?.reason
}

async function nodeIdOf(on: Stage, node: Signer): Promise<string> {
  const facts = await on.facts()
  const registered = facts.find((fact) => fact.type === 'NodeRegistered' && fact.data.publicKey === node.publicKey)
  return (registered!.data as { nodeId: string }).nodeId
}

airdrop.run()
