// `duxnet replay` of an export: what the log has recorded of its read models is compared with what it makes.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { CanonicalEvent } from '../../domain/event.ts'
import { readModels } from '../../projections/read-models.ts'
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

replay.run()
