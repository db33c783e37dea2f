// `duxnet airdrop` on exports, without any server: the same bytes on any machine, from any export of the same log.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { frozenLog, writeExport } from '../support/frozen-export.ts'

const airdrop = suite<{ directory: string; path: string }>('duxnet airdrop')

const log = frozenLog('log.v4.ndjson')
const { networkId } = log[0]!.data as { networkId: string }
const dataOf = (type: string) => log.find((event) => event.type === type)!.data as Record<string, string>
const { campaignId } = dataOf('CampaignAnnounced')
const published = dataOf('AllotmentsPublished')

airdrop.before(async (context) => {
  context.directory = mkdtempSync(join(tmpdir(), 'duxnet-airdrop-'))
  context.path = join(context.directory, 'log.ndjson')
  await writeExport(context.path, log)
})
airdrop.after(({ directory }) => rmSync(directory, { recursive: true }))

const main = fileURLToPath(new URL('../../infra/main.ts', import.meta.url))

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'airdrop', ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  })
  return { status, stdout, stderr }
}

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

airdrop('computes what the log says was published, byte for byte, wherever it runs', async ({ directory, path }) => {
  // Another export of the same campaign: it ends where the list was published.
  const shorter = join(directory, 'shorter.ndjson')
  await writeExport(
    shorter,
    log,
    log.findIndex(({ type }) => type === 'AllotmentsPublished'),
  )
  const places: [file: string, env: Record<string, string>][] = [
    [path, {}],
    [shorter, { TZ: 'Pacific/Kiritimati', LC_ALL: 'tr_TR.UTF-8', LANG: 'tr_TR.UTF-8' }],
    [path, { TZ: 'America/St_Johns', LC_ALL: 'sv_SE.UTF-8' }],
  ]
  const outputs = new Set<string>()
  for (const [n, [file, env]] of places.entries()) {
    const [list, report] = [join(directory, `list-${n}`), join(directory, `report-${n}`)]
    const { status, stdout, stderr } = run(['compute', file, '--campaign', campaignId!, '--list', list, '--report', report], env)
    assert.is(status, 0, stderr)
    assert.is(JSON.parse(stdout).published, 'the same')
    assert.is(JSON.parse(stdout).root, published.root)
    assert.equal([sha256(list), sha256(report)], [published.listDigest, published.reportDigest])
    outputs.add(stdout)
  }
  assert.is(outputs.size, 1)
})

airdrop('says what differs where another list was published', async ({ directory }) => {
  const forged = join(directory, 'forged.ndjson')
  const events = log.map((event) =>
    event.type === 'AllotmentsPublished' ? { ...event, data: { ...published, considered: 5 } as never } : event,
  )
  await writeExport(forged, events)
  const { status, stdout } = run(['compute', forged, '--campaign', campaignId!])
  assert.is(status, 1)
  const { considered, published: there } = JSON.parse(stdout)
  assert.equal([considered, there.considered], [4, 5])
})

airdrop('explains a node, eligible or not', ({ path }) => {
  for (const nodeId of log.flatMap(({ type, data }) => (type === 'NodeRegistered' ? [(data as { nodeId: string }).nodeId] : []))) {
    const { status, stdout } = run(['explain', path, '--campaign', campaignId!, '--node', nodeId])
    assert.is(status, 0)
    const { reasons, amount, contributions } = JSON.parse(stdout)
    assert.is(amount === '0', reasons.length > 0)
    const failed = contributions.filter(({ holds }: { holds: boolean }) => !holds)
    assert.equal(
      failed.map(({ criterion }: { criterion: string }) => criterion),
      reasons,
    )
  }
  const { status, stderr } = run(['explain', path, '--campaign', campaignId!, '--node', 'nobody'])
  assert.is(status, 1)
  assert.match(stderr, /nobody was not registered/)
})

airdrop('simulates other rules', ({ directory, path }) => {
  const rules = join(directory, 'rules.json')
  const simulate = (change: unknown) => {
    writeFileSync(rules, JSON.stringify(change))
    return run(['simulate', path, '--campaign', campaignId!, '--rules', rules])
  }
  const { status, stdout } = simulate({ algorithm: { kind: 'equal' }, appealsPermille: 0 })
  assert.is(status, 0)
  assert.equal(JSON.parse(stdout), {
    campaignId,
    rules: { considered: 4, allotted: 2, amount: '899' },
    changed: { considered: 4, allotted: 2, amount: '1000' },
    more: 2,
    less: 0,
  })
  const wrong: [change: unknown, says: RegExp][] = [
    [{ algorithm: { kind: 'lottery' } }, /rules\.json: algorithm/],
    [{ luck: 1 }, /is not an object of rules/],
    [[], /is not an object of rules/],
    [{ criteria: { slotSeconds: 0 } }, /rules\.json: criteria/],
  ]
  for (const [change, says] of wrong) {
    const refused = simulate(change)
    assert.is(refused.status, 1, refused.stdout)
    assert.match(refused.stderr, says)
  }
})

airdrop('bad input has a code and says what is missing', ({ path }) => {
  const cases: [args: string[], status: number, says: RegExp][] = [
    [['compute', path], 2, /--campaign is missing/],
    [['compute'], 2, /EXPORT or --live/],
    [['distribute', path], 2, /there is no 'airdrop distribute'/],
    [['toString', path], 2, /there is no 'airdrop toString'/],
    [['explain', path, '--campaign', campaignId!], 2, /--node is missing/],
    [['compute', path, '--campaign', networkId], 1, /no airdrop/],
    [['compute', `${path}.not`, '--campaign', campaignId!], 1, /cannot be read/],
  ]
  for (const [args, status, says] of cases) {
    const refused = run(args)
    assert.is(refused.status, status, args.join(' '))
    assert.match(refused.stderr, says)
  }
})

airdrop.run()
