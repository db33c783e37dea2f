// An airdrop through the whole program, killed with -9 on its way: each node is paid once, and an auditor makes the same list of an export.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { nodeIdOf } from '../../domain/ids.ts'
import { clearingAccounts } from '../../domain/ledger.ts'
import { profile, vitals } from '../api/harness.ts'
import { committed, keyOf } from '../support/money-world.ts'
import { booksOf, deals, idOf, type Party } from './deals.ts'
import { duxnet, type Supervised, scratch, supervise, until } from './program.ts'

const test = suite('airdrop, killed')
const directory = scratch()
const isLong = process.env.SCALE === 'long'
const kills = isLong ? 200 : 4

const steps = [
  ['RecordCampaignFunding', 'CampaignFunded'],
  ['CloseWindow', 'WindowClosed'],
  ['ListAllotments', 'AllotmentsListed'],
  ['PublishAllotments', 'AllotmentsPublished'],
  ['ReleasePayouts', 'PayoutsReleased'],
  ['PostCredit', 'CreditPosted'],
] as const

/** In the order in which a campaign comes past them: one is killed up to twice a step, the next after each. */
const longPoints = [
  ...steps.flatMap(([command, event]) => [`before ${command}`, `appended ${event}`]),
  ...steps.map(([command]) => `after ${command}`),
]
const shortPoints = ['appended CampaignFunded', 'before PublishAllotments', 'appended PayoutsReleased', 'appended CreditPosted']
const points = isLong ? longPoints : shortPoints

const stewards = [keyOf('steward-1'), keyOf('steward-2')] as const
const env = {
  DUXNET_ROLES: 'commands,queries,projector,processes',
  DUXNET_STEWARDS: `2:${stewards.map(({ publicKey }) => publicKey).join()}`,
}
const nodes: readonly Signer[] = ['node-1', 'node-2', 'node-3'].map(keyOf)
const windowMs = 15_000
const share = '1'

let supervised: Supervised | undefined

test.after(async () => {
  await supervised?.stop()
  directory.remove()
})

test(`${kills} kills pay nobody twice and lose nothing`, async () => {
  const data = join(directory.path, 'data')
  const running = await supervise(data, env, kills, (n) => points[n % points.length]!)
  supervised = running
  const { current } = running
  const { party, open, hold, start, deliver, release, send } = deals(current)

  /** What an address answers once `isSo` of it; while the program is away it is asked again. */
  async function once<Body>(path: string, isSo: (body: Body) => boolean): Promise<Body> {
    return until(path, async () => {
      const answer = await current()
        .get<Body>(path)
        .catch(() => undefined)
      return answer?.status === 200 && isSo(answer.body) ? answer.body : undefined
    })
  }

  const [client, provider] = [await party('client'), await party('provider')]
  const wallets: Party[] = []
  for (const [n, node] of nodes.entries()) {
    wallets.push(await party(`wallet ${n}`))
    await send(node, 'RegisterNode', nodeIdOf(node.publicKey), { profile } as never, idOf(`register ${n}`))
    await send(node, 'RecordHeartbeat', nodeIdOf(node.publicKey), { vitals } as never, idOf(`heartbeat ${n}`))
  }
  for (let n = 0; n < (isLong ? 10 : 1); n += 1) {
    const escrowId = await open(`sold ${n}`, client, provider)
    await hold(escrowId, client)
    await start(escrowId, provider)
    await deliver(escrowId, provider)
    await release(escrowId, client)
  }
  const earned = isLong ? 500n : 50n
  await once<{ swept: string }>('/v1/fund', ({ swept }) => BigInt(swept) === earned)

  async function campaign(n: number): Promise<string> {
    const campaignId = idOf(`campaign ${n}`)
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    const rules = {
      window: { from: at(2000), to: at(windowMs) },
      criteria: { slotSeconds: 1, uptimePermilleMin: 0, proofsMin: 0, reputationEndMin: 0, reputationMin: 0, sybilWeightMax: 0 },
      algorithm: { kind: 'equal' },
      budget: String(nodes.length),
      appealsPermille: 0,
      claimSeconds: 86_400,
    }
    await send(stewards[0], 'AnnounceCampaign', campaignId, { label: `campaign-${n}`, rules }, campaignId)
    const proposalId = idOf(`proposal ${n}`)
    const spending = { to: { kind: 'airdrop', id: campaignId }, amount: rules.budget, category: 'airdrops' }
    const proposal = { ...spending, purpose: committed('airdrop'), expiresAt: at(3_600_000) }
    await send(stewards[0], 'ProposeSpending', fundId, proposal, proposalId)
    for (const [m, steward] of stewards.entries())
      await send(steward, 'ApproveSpending', fundId, { proposalId }, idOf(`approval ${n} ${m}`))
    await once<{ status: string }>(`/v1/airdrops/${campaignId}`, ({ status }) => status === 'published')
    for (const [m, node] of nodes.entries()) {
      const claim = { nodeId: nodeIdOf(node.publicKey), walletId: wallets[m]!.walletId }
      await send(node, 'ClaimAllotment', campaignId, claim, idOf(`claim ${n} ${m}`))
    }
    await once<{ creditedAmount: string }>(`/v1/airdrops/${campaignId}`, ({ creditedAmount }) => creditedAmount === rules.budget)
    return campaignId
  }

  const campaigns: string[] = []
  while (running.kills() < kills || !campaigns.length) campaigns.push(await campaign(campaigns.length))

  const { accounts } = await booksOf(current())
  for (const { walletId } of wallets)
    assert.is(accounts[`wallet:${walletId}`], String(1_000_000n + BigInt(share) * BigInt(campaigns.length)))
  for (const account of clearingAccounts) assert.is(accounts[account], undefined, account)
  assert.is(accounts.fund, String(earned - BigInt(nodes.length * campaigns.length)))

  const log = join(directory.path, 'log.ndjson')
  const audits: string[][] = [
    ['projections', 'verify', '--data', data],
    ['replay', '--live', '--data', data],
    ['export', '--out', log, '--data', data],
    ['audit', 'fsck', log],
    ...campaigns.map((id) => ['airdrop', 'compute', log, '--campaign', id]),
  ]
  for (const args of audits) {
    const { code, stdout, stderr } = await duxnet(args, {})
    assert.is(code, 0, `${args.join(' ')}: ${stdout}${stderr}`)
    if (args[0] === 'airdrop') assert.is(JSON.parse(stdout).published, 'the same')
  }
  console.log(`killed ${running.kills()} times in ${campaigns.length} airdrops`)
})

test.run()
