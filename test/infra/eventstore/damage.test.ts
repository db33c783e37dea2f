import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ResolvedEvent } from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedEventStore } from '../../../infra/embedded/eventstore/start.ts'
import { type Log, openLog } from '../../../infra/embedded/eventstore/storage/log.ts'
import { askEverything, LogWriter } from './logs.ts'
import { isLong, randomFrom, scratch, seed, tick, withStore } from './support.ts'

const test = suite(`eventstore damage (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)

const base = scratch()
let places = 0

function place(): string {
  const directory = join(base, String(places++))
  mkdirSync(directory)
  return directory
}

interface Sample {
  readonly directory: string
  readonly names: readonly string[]
  readonly answers: ReadonlyMap<string, string | undefined>
}

/** A log that was closed, or one whose process was killed: the same files without what is written at the end. */
async function sample(commits: number, isKilled: boolean): Promise<Sample> {
  const directory = place()
  const log = openLog(directory)
  const writer = new LogWriter(log, random)
  for (let n = 0; n < commits; n++) await writer.commit()
  const answers = askEverything(log, writer.names)
  const copy = place()
  if (isKilled) cpSync(directory, copy, { recursive: true })
  await log.close()
  return { directory: isKilled ? copy : directory, names: [...writer.names], answers }
}

const samples = [await sample(60, false), await sample(60, true)]
if (isLong) samples.push(await sample(1_700, false), await sample(1_700, true))

/** A copy of a sample, damaged: opening it is refused by name, or each answer is right, or refused by name. */
async function judge(
  { directory, names, answers }: Sample,
  story: string,
  damage: (copy: string) => void,
): Promise<'refused' | 'partly' | 'right'> {
  const copy = place()
  cpSync(directory, copy, { recursive: true })
  damage(copy)
  let log: Log
  try {
    log = openLog(copy)
  } catch (error) {
    assert.match((error as Error).message, copy, story)
    rmSync(copy, { recursive: true })
    return 'refused'
  }
  let verdict: 'partly' | 'right' = 'right'
  const check = () => {
    for (const [question, answer] of askEverything(log, names)) {
      if (answer === undefined) verdict = 'partly'
      else assert.is(answer, answers.get(question), `${story}: ${question}`)
    }
  }
  check()
  await log.close()
  log = openLog(copy)
  check()
  await log.close()
  rmSync(copy, { recursive: true })
  return verdict
}

test('a flipped bit anywhere in the files ends in an error that names the place, or in the right answers', async () => {
  const seen = new Map<string, number>()
  for (let round = 0; round < (isLong ? 1_200 : 60); round++) {
    const chosen = samples[round % samples.length]!
    const files = readdirSync(chosen.directory)
    const file = files[below(files.length)]!
    const bit = below(statSync(join(chosen.directory, file)).size * 8)
    const verdict = await judge(chosen, `bit ${bit} of ${file}`, (copy) => {
      const bytes = readFileSync(join(copy, file))
      bytes[bit >> 3]! ^= 1 << (bit & 7)
      writeFileSync(join(copy, file), bytes)
    })
    if (file !== 'log') assert.is(verdict, 'right', `the log says all that ${file} does`)
    else assert.is.not(verdict, 'right', `bit ${bit} of the log counts`)
    seen.set(`${file} ${verdict}`, (seen.get(`${file} ${verdict}`) ?? 0) + 1)
  }
  console.log([...seen].map(([what, count]) => `${what}: ${count}`).join(', '))
})

test('a file that lost its end, or all of it, is noticed or not needed', async () => {
  for (let round = 0; round < (isLong ? 300 : 30); round++) {
    const chosen = samples[round % samples.length]!
    const files = readdirSync(chosen.directory)
    const file = files[below(files.length)]!
    const length = below(statSync(join(chosen.directory, file)).size)
    const verdict = await judge(chosen, `${file} cut to ${length} bytes`, (copy) => truncateSync(join(copy, file), length))
    assert.is(verdict, file === 'log' ? 'refused' : 'right', `${file} cut to ${length} bytes`)
  }
  for (const file of ['log', 'index', 'acknowledged']) {
    const verdict = await judge(samples[0]!, `${file} is gone`, (copy) => rmSync(join(copy, file)))
    assert.is(verdict, file === 'log' ? 'refused' : 'right', `${file} is gone`)
  }
})

test('a write that was under way counts whole or not at all; what was acknowledged is never cut off', async () => {
  const directory = place()
  const log = openLog(directory)
  const writer = new LogWriter(log, random)
  for (let n = 0; n < 20; n++) await writer.commit()
  const before = { directory: place(), names: [...writer.names], answers: askEverything(log, writer.names) }
  cpSync(directory, before.directory, { recursive: true })
  const start = statSync(join(directory, 'log')).size
  await writer.commit()
  const after = { directory: place(), names: [...writer.names], answers: askEverything(log, writer.names) }
  cpSync(directory, after.directory, { recursive: true })
  await log.close()
  const whole = readFileSync(join(after.directory, 'log'))

  for (let length = start; length < whole.length; length += isLong ? 1 : 1 + below(40)) {
    const torn = whole.subarray(0, length)
    const garbage = Buffer.concat([torn, Buffer.alloc(whole.length - length)])
    for (const bytes of [torn, garbage]) {
      // What is missing may be zeros in any case: then nothing is missing.
      if (whole.equals(bytes)) continue
      const story = `a commit from ${start} to ${whole.length}, of which ${length - start} bytes were written`
      assert.is(await judge(before, story, (copy) => writeFileSync(join(copy, 'log'), bytes)), 'right', story)
      assert.is(await judge(after, story, (copy) => writeFileSync(join(copy, 'log'), bytes)), 'refused', story)
    }
  }
  const late = await judge({ ...after, directory: before.directory }, 'all was written', (copy) =>
    writeFileSync(join(copy, 'log'), whole),
  )
  assert.is(late, 'right')
})

test('after a power failure an older note of what is acknowledged costs nothing', async () => {
  const directory = place()
  const notes: Buffer[] = []
  const log = openLog(directory)
  const writer = new LogWriter(log, random)
  for (let n = 0; n < 20; n++) {
    await writer.commit()
    notes.push(readFileSync(join(directory, 'acknowledged')))
  }
  const before = { directory: place(), names: [...writer.names], answers: askEverything(log, writer.names) }
  cpSync(directory, before.directory, { recursive: true })
  const start = statSync(join(directory, 'log')).size
  await writer.commit()
  const whole = readFileSync(join(directory, 'log'))
  await log.close()
  for (const [n, note] of notes.entries()) {
    // Of what was under way any part may have reached the disk, in any order; what did not is zeros.
    const disk = Buffer.from(whole)
    const from = start + below(whole.length - start)
    const to = from + 1 + below(whole.length - from)
    disk.fill(0, from, to)
    if (disk.equals(whole)) continue
    const verdict = await judge(before, `the note of commit ${n}, zeros from ${from} to ${to}`, (copy) => {
      writeFileSync(join(copy, 'acknowledged'), note)
      writeFileSync(join(copy, 'log'), disk)
    })
    assert.is(verdict, 'right')
  }
})

test('a damaged log goes on with what is good, and takes more', async () => {
  const { directory, names } = samples[0]!
  const copy = place()
  cpSync(directory, copy, { recursive: true })
  const bytes = readFileSync(join(copy, 'log'))
  bytes[Math.floor(bytes.length / 2)]! ^= 1
  writeFileSync(join(copy, 'log'), bytes)
  const log = openLog(copy)
  const damaged = [...askEverything(log, names)].filter(
    ([question, answer]) => answer === undefined && question.startsWith('record'),
  )
  assert.is(damaged.length, 1)
  const position = Number(damaged[0]![0].slice('record '.length))
  const told = new RegExp(`record at position ${position} is damaged .*${join(copy, 'log')}, byte \\d+`)
  assert.throws(() => log.record(position), told)
  const { nextPosition } = log
  await log.write({ entries: [], newStreams: [], marks: new Map(), nextPosition: nextPosition + 1 }, true)
  assert.is(log.nextPosition, nextPosition + 1)
  await log.close()
})

test('under a running store a damaged record is DATA_LOSS that names it, and everything else is served', async () => {
  const directory = place()
  const path = join(directory, 'log')
  await withStore(async (client) => {
    for (let n = 0; n < 30; n++) await client.appendToStream(`ticks-${n % 3}`, tick(n))
    const bytes = readFileSync(path)
    bytes[bytes.indexOf('"n":15')]! ^= 1
    writeFileSync(path, bytes)
    for (const read of [client.readStream('ticks-0'), client.readAll()]) {
      const met: number[] = []
      const failure = await collect(read, met)
      assert.match(failure?.message ?? '', /record at position \d+ is damaged \(.*log, byte \d+\)/)
      assert.is(met.includes(12), true, 'what comes before it is served')
      assert.is(met.includes(15), false)
    }
    for (const stream of ['ticks-1', 'ticks-2']) {
      const met: number[] = []
      assert.is(await collect(client.readStream(stream), met), undefined)
      assert.is(met.length, 10)
    }
    await client.appendToStream('ticks-0', tick(30))
  }, directory)
  const refused = await startEmbeddedEventStore({ directory, port: 0 }).catch((error: Error) => error)
  assert.instance(refused, Error, 'it may be the event that a client sends again')
  assert.match((refused as Error).message, /record at position \d+ is damaged \(.*log, byte \d+\)/)
})

/** Reads to the end, or to an error, which it answers. */
async function collect(events: AsyncIterable<ResolvedEvent>, met: number[]): Promise<Error | undefined> {
  try {
    for await (const { event } of events) met.push((event!.data as { n: number }).n)
    return undefined
  } catch (error) {
    return error as Error
  }
}

test.run()
