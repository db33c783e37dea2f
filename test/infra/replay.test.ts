// `duxnet replay` of an export: what the log has recorded of its read models is compared with what it makes.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CanonicalEvent, canonicalEvent } from '../../domain/event.ts'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
import { Failure } from '../../infra/cli/command.ts'
import { replayExport } from '../../infra/cli/replay-export.ts'
import { readModels } from '../../projections/read-models.ts'
import { foldLog } from '../../projections/replay.ts'
import { frozenLog, writeExport } from '../support/frozen-export.ts'

const replay = suite<{ directory: string }>('duxnet replay')
replay.before((context) => void (context.directory = mkdtempSync(join(tmpdir(), 'duxnet-replay-'))))
replay.after(({ directory }) => rmSync(directory, { recursive: true }))

const log = frozenLog('log.v4.ndjson')
const recorded = log.find(({ type }) => type === 'DigestsRecorded')!
const main = fileURLToPath(new URL('../../infra/main.ts', import.meta.url))
const run = (...args: string[]) => spawnSync(process.execPath, [main, 'replay', ...args], { encoding: 'utf8' })

/** The log with other things recorded: of the read models as they are now, whatever they were when it was frozen. */
const recording = (digests: unknown) =>
  log.map((event) => (event === recorded ? ({ ...event, data: { ...(event.data as object), digests } } as CanonicalEvent) : event))

replay('digests that the log has recorded are made again, or named', async ({ directory }) => {
  const out = join(directory, 'digests.json')
  const before = await writeExport(join(directory, 'before.ndjson'), log.slice(0, log.indexOf(recorded)))
  assert.is(run(before, '--record', out).status, 0)
  const { index, digests } = JSON.parse(readFileSync(out, 'utf8'))
  assert.is(index, log.indexOf(recorded) - 1)
  const same = run(await writeExport(join(directory, 'same.ndjson'), recording(digests)))
  assert.is(same.status, 0, same.stderr)
  assert.match(same.stdout, `recorded at event ${index}: ${readModels.length} equal\n`)
  const forged = { ...digests, ledger: { ...digests.ledger, digest: '0'.repeat(64) } }
  const other = run(await writeExport(join(directory, 'forged.ndjson'), recording(forged)))
  assert.is(other.status, 1)
  assert.match(other.stdout, `recorded at event ${index}: DIFFERENT: ledger\n`)
  const older = { ...digests, ledger: { version: 1_000, digest: '0'.repeat(64) } }
  const skipped = run(await writeExport(join(directory, 'older.ndjson'), recording(older)))
  assert.is(skipped.status, 0)
  assert.match(skipped.stdout, `${readModels.length - 1} equal, 1 of other versions not compared`)
})

replay('a file that is not there, or is damaged, is named', async ({ directory }) => {
  const missing = run(join(directory, 'missing.ndjson'))
  assert.is(missing.status, 1)
  assert.match(missing.stderr, 'missing.ndjson cannot be read')
  const path = await writeExport(join(directory, 'damaged.ndjson'), log)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"type":"DigestsRecorded"', '"type":"DigestsRecorded'))
  const damaged = run(path)
  assert.is(damaged.status, 1)
  assert.match(damaged.stderr, /damaged\.ndjson, line \d+/)
})

for (const name of ['log.v1.ndjson', 'log.v2.ndjson', 'log.v3.ndjson', 'log.v4.ndjson', 'log.v5.ndjson'])
  replay(`two threads make of ${name} what one makes, at its end and on the way`, async ({ directory }) => {
    const events = frozenLog(name)
    const path = await writeExport(join(directory, name), events)
    const at = new Set([0, Math.floor(events.length / 2), events.length - 1])
    const recorded = events.map((event, index) => ({ ...event, position: BigInt(index), created: new Date(0) }))
    for (const to of name === 'log.v4.ndjson' ? [undefined, Math.floor(events.length / 3)] : [undefined]) {
      const { root, ...replayed } = await replayExport(path, { at, to })
      const { count, digests, digestsAt } = await foldLog(recorded.slice(0, (to ?? events.length) + 1), readModels, { at })
      assert.equal(replayed, { count, digests, digestsAt })
      assert.is(root, rootOf(events.reduce((tree, event) => appendLeaf(tree, leafHash(canonicalEvent(event))), emptyTree)).toString('hex')) // biome-ignore format: one thought
    }
  })

replay('an event that nobody can read is named, and damage before anything else', async ({ directory }) => {
  const [first, second, ...others] = log as [CanonicalEvent, CanonicalEvent, ...CanonicalEvent[]]
  const unheard = await writeExport(join(directory, 'unheard.ndjson'), [first, { ...second, type: 'Unheard' }, ...others])
  assert.match(String(await replayExport(unheard).catch((error: Error) => error)), 'no such event type')
  const text = readFileSync(unheard, 'utf8')
  writeFileSync(unheard, text.replace(/"revision":0/g, '"revision": 0'))
  const damaged = await replayExport(unheard).catch((error: Error) => error)
  assert.instance(damaged, Failure)
  assert.match((damaged as Error).message, /line \d+/)
  const cut = await writeExport(join(directory, 'cut.ndjson'), log)
  writeFileSync(cut, readFileSync(cut).subarray(0, -100))
  assert.match(String(await replayExport(cut).catch((error: Error) => error)), 'Failure')
  const whole = await writeExport(join(directory, 'whole.ndjson'), log)
  assert.match(
    String(await replayExport(whole, { to: log.length }).catch((error: Error) => error)),
    `ends at event ${log.length - 1}`,
  )
})

replay('a file that is replaced while it is read is never half of each', async ({ directory }) => {
  const [one, other] = [
    await writeExport(join(directory, 'one'), log),
    await writeExport(join(directory, 'other'), log.slice(0, 40)),
  ]
  const expected = [(await replayExport(one)).digests, (await replayExport(other)).digests]
  const path = join(directory, 'changing')
  for (let round = 0; round < 3; round++) {
    copyFileSync(one, path)
    const swapping = setInterval(() => {
      copyFileSync(other, `${path}.next`)
      renameSync(`${path}.next`, path)
    }, round * 60)
    const result = await replayExport(path).catch((error: Error) => error)
    clearInterval(swapping)
    if (result instanceof Error) assert.match(result.message, 'was changed while it was read')
    else assert.ok(expected.some((digests) => JSON.stringify(digests) === JSON.stringify(result.digests)))
  }
})

replay.run()
