// The queries of airdrops, over the read models of the frozen story: one that was paid, one taken back, one that nobody funded.
import { createHash } from 'node:crypto'
import { StandardMerkleTree } from '@openzeppelin/merkle-tree'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { memoryEventStore } from '../../adapters/memory/event-store.ts'
import { airdropExample } from '../../api/airdrop-examples.ts'
import { loadNetwork } from '../../commands/network.ts'
import { reportLines } from '../../domain/airdrop/list.ts'
import { createAirdropFold, resultOf } from '../../domain/airdrop/result.ts'
import { decode } from '../../domain/catalogue.ts'
import { rootByInclusion } from '../../domain/merkle.ts'
import { tellFrozenAirdrop } from '../support/frozen-airdrop.ts'
import { namespace } from '../support/money-world.ts'
import { type Api, startWhole } from './harness.ts'

interface Context {
  api: Api
  close(): Promise<void>
  campaignId: string
}

const airdrops = suite<Context>('api/airdrops')
airdrops.before(async (context) => {
  const story = await tellFrozenAirdrop()
  const store = story.store as ReturnType<typeof memoryEventStore>
  const { api, readSide } = await startWhole({ store, network: (await loadNetwork(store, namespace))! })
  const log = await story.log()
  const position = log.at(-1)!.position
  for (const path of ['/v1/airdrops', '/v1/log', '/v1/fund']) assert.is((await api.get(`${path}?after=${position}`)).status, 200)
  const announced = log.map(decode).find(({ type }) => type === 'CampaignAnnounced')!
  Object.assign(context, {
    api,
    campaignId: (announced.data as { campaignId: string }).campaignId,
    async close() {
      await readSide.close()
      await api.close()
    },
  })
})
airdrops.after(({ close }) => close())

airdrops('an airdrop says its rules, what came of them, and where its money is', async ({ api, campaignId }) => {
  const reply = await api.get(`/v1/airdrops/${campaignId}`)
  const { status, considered, allotted, allottedAmount, claims, awardedAmount, creditedAmount, returned, rules } = reply.body
  assert.equal(
    { status, considered, allotted, allottedAmount, claims, awardedAmount, creditedAmount, returned },
    {
      status: 'settled',
      considered: 4,
      allotted: 2,
      allottedAmount: '899',
      claims: 2,
      awardedAmount: '50',
      creditedAmount: '949',
      returned: '51',
    },
  )
  assert.is(rules.algorithm.kind, 'pro_rata')
  const again = await api.get(`/v1/airdrops/${campaignId}`, { 'if-none-match': reply.headers.get('etag')! })
  assert.is(again.status, 304)
  const { body: all } = await api.get('/v1/airdrops')
  assert.equal(all.airdrops.map((campaign: { status: string }) => campaign.status).sort(), ['cancelled', 'cancelled', 'settled'])
  assert.is((await api.get('/v1/airdrops?status=settled')).body.airdrops.length, 1)
  const unknown = await api.get(`/v1/airdrops/${api.network.networkId}`)
  assert.equal([unknown.status, unknown.body.code], [404, 'CampaignUnknown'])
})

airdrops('allotments come in pages, each with what became of it', async ({ api, campaignId }) => {
  const path = `/v1/airdrops/${campaignId}/allotments`
  const first = await api.get(`${path}?limit=2`)
  const rest = await api.get(`${path}?limit=2&cursor=${first.body.next}`)
  const found = [...first.body.allotments, ...rest.body.allotments]
  assert.is(rest.body.next, null)
  assert.equal(found.map(({ amount, award }: { amount: string; award: string | null }) => [amount, award]).sort(), [
    ['0', '50'],
    ['409', null],
    ['490', null],
  ])
  assert.ok(found.every((one: { paidAt: string; awardPaidAt: string }) => one.paidAt ?? one.awardPaidAt))
  const [appealed] = (await api.get(`${path}?appealed=true`)).body.allotments
  assert.is(appealed.award, '50')
  assert.equal((await api.get(`${path}/${appealed.nodeId}`)).body, appealed)
  assert.is((await api.get(`${path}?appealed=false`)).body.allotments.length, 2)
  const nobody = await api.get(`${path}/nobody`)
  assert.equal([nobody.status, nobody.body.code], [404, 'NothingAllotted'])
  assert.is((await api.get(`/v1/airdrops/${api.network.networkId}/allotments`)).body.code, 'CampaignUnknown')
})

airdrops("a node's place on the list is proved to OpenZeppelin's library", async ({ api, campaignId }) => {
  const { body: campaign } = await api.get(`/v1/airdrops/${campaignId}`)
  const { body } = await api.get(`/v1/airdrops/${campaignId}/allotments?appealed=false`)
  for (const { nodeId, amount } of body.allotments) {
    const { body: proven } = await api.get(`/v1/airdrops/${campaignId}/allotments/${nodeId}/proof`)
    assert.equal([proven.root, proven.amount], [campaign.root, amount])
    assert.ok(StandardMerkleTree.verify(proven.root, proven.leafTypes, proven.leaf, proven.proof))
    assert.ok(proven.leaf.includes(nodeId) && proven.leaf.includes(amount))
  }
  assert.is((await api.get(`/v1/airdrops/${campaignId}/allotments/nobody/proof`)).body.code, 'NothingAllotted')
})

airdrops('the proof that the documentation shows holds, too', () => {
  const { root, leafTypes, leaf, proof } = airdropExample.proof
  assert.ok(StandardMerkleTree.verify(root, leafTypes, [...leaf], [...proof]))
})

airdrops('the whole list is under its digest, and the report is what the log makes', async ({ api, campaignId }) => {
  const { body: campaign } = await api.get(`/v1/airdrops/${campaignId}`)
  const list = await api.get(`/v1/airdrop-lists/${campaign.listDigest}`)
  assert.is(createHash('sha256').update(list.text).digest('hex'), campaign.listDigest)
  assert.match(list.headers.get('cache-control')!, /immutable/)
  assert.is((await api.get(`/v1/airdrop-lists/${'0'.repeat(64)}`)).status, 404)
  const fold = createAirdropFold({ only: campaignId })
  for await (const event of api.store.readAll()) fold.take(event)
  const lines = [...reportLines(resultOf(fold.standings(campaignId)!))].join('')
  assert.is(createHash('sha256').update(lines).digest('hex'), campaign.reportDigest)
})

airdrops('figures say how it was distributed', async ({ api, campaignId }) => {
  const { body } = await api.get(`/v1/airdrops/${campaignId}/report`)
  const { smallest, median, largest, giniPermille, deciles } = body
  // (490 − 409) / (2 · 899) = 0.045.
  assert.equal({ smallest, median, largest, giniPermille }, { smallest: '409', median: '409', largest: '490', giniPermille: 45 })
  assert.equal(deciles, [
    { upTo: '409', nodes: 1, amount: '409' },
    { upTo: '490', nodes: 1, amount: '490' },
  ])
})

airdrops('every node is told why, by its own events, each proved to be in the log', async ({ api, campaignId }) => {
  const facts = []
  for await (const event of api.store.readAll()) facts.push(decode(event))
  const fold = createAirdropFold({ only: campaignId })
  for await (const event of api.store.readAll()) fold.take(event)
  const { judged } = resultOf(fold.standings(campaignId)!)
  for (const { standing, reasons, weight, amount } of judged) {
    const { body } = await api.get(`/v1/airdrops/${campaignId}/nodes/${standing.nodeId}/explain`)
    assert.equal(body.value, {
      campaignId,
      nodeId: standing.nodeId,
      isEligible: reasons.length === 0,
      reasons: [...reasons],
      weight: String(weight),
      amount: String(amount),
    })
    const uptime = body.contributions.find(({ criterion }: { criterion: string }) => criterion === 'uptime')
    assert.is(uptime.value, String(standing.uptimePermille))
    assert.ok(body.events.length > 0)
    for (const { index, leaf, proof, type } of body.events) {
      assert.is(facts[index]!.type, type)
      const hashes = proof.map((hash: string) => Buffer.from(hash, 'hex'))
      const root = rootByInclusion(Buffer.from(leaf, 'hex'), index, body.log.size, hashes)
      assert.is(root!.toString('hex'), body.log.root)
    }
  }
  const path = `/v1/airdrops/${campaignId}/nodes`
  assert.is((await api.get(`${path}/nobody/explain`)).body.code, 'NodeNotRegistered')
  const { body: cancelled } = await api.get('/v1/airdrops?status=cancelled')
  const early = await api.get(`/v1/airdrops/${cancelled.airdrops[0].campaignId}/nodes/nobody/explain`)
  assert.equal([early.status, early.body.code], [409, 'CampaignNotInStatus'])
})

airdrops('the fund shows what went to an airdrop and came back', async ({ api, campaignId }) => {
  const { body: fund } = await api.get('/v1/fund')
  assert.equal([fund.balance, fund.spent, fund.returned], ['4051', '2000', '1051'])
  const { body } = await api.get('/v1/fund/proposals')
  for (const { to, returned } of body.proposals) {
    assert.equal(to, { kind: 'airdrop', id: campaignId })
    assert.ok(['51', '1000'].includes(returned))
  }
  const { body: report } = await api.get('/v1/fund/report')
  assert.equal([report.spent, report.returned, report.closing.balance], ['2000', '1051', '4051'])
})

airdrops('people see the rules, the money and the list, without scripts', async ({ api, campaignId }) => {
  const { text: all } = await api.get('/airdrop')
  assert.match(all, `href="/airdrop/${campaignId}"`)
  const { text, headers } = await api.get(`/airdrop/${campaignId}`)
  for (const said of [
    'first-winter',
    'by reputation',
    'Given back to the fund',
    '0.0000049 FLOP',
    'Gini',
    'Appeals',
    '2 of 4 nodes',
  ])
    assert.match(text, said)
  assert.match(headers.get('content-security-policy')!, "default-src 'none'")
  assert.not.match(text, /<script|style=/)
  const { body } = await api.get('/v1/airdrops?status=cancelled')
  assert.match((await api.get(`/airdrop/${body.airdrops[0].campaignId}`)).text, 'when the window is over')
  assert.is((await api.get(`/airdrop/${api.network.networkId}`)).status, 404)
})

airdrops.run()
