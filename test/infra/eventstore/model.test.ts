import { randomUUID } from 'node:crypto'
import {
  ANY,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  FORWARDS,
  jsonEvent,
  NO_STREAM,
  START,
  STREAM_EXISTS,
} from '@eventstore/db-client'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Expectation, ModelStream, type Verdict } from './model.ts'
import { isLong, randomFrom, scratch, seed, withStore } from './support.ts'

const test = suite(`eventstore model (seed ${seed})`)
const random = randomFrom(seed)
const below = (n: number) => Math.floor(random() * n)
const pick = <T>(from: readonly T[]): T => from[below(from.length)]!

const expectedRevision = (expected: Expectation) =>
  expected === 'any' ? ANY : expected === 'no_stream' ? NO_STREAM : expected === 'stream_exists' ? STREAM_EXISTS : expected

async function verdictOf(request: Promise<{ nextExpectedRevision?: bigint }>): Promise<Verdict> {
  try {
    return { revision: (await request).nextExpectedRevision ?? 0n }
  } catch (error) {
    return (error as { type: 'wrong-expected-version' | 'stream-deleted' }).type
  }
}

/** A stream, what the model says of it, and what has happened to it. */
class Subject {
  readonly stream: string
  readonly model = new ModelStream()
  readonly used: string[] = []
  readonly story: string[] = []

  constructor(stream: string) {
    this.stream = stream
  }
}

/** So many random steps on one stream, each held to the model. What happened is told when something differs. */
async function walk(client: EventStoreDBClient, { stream, model, used, story }: Subject, count: number): Promise<void> {
  const same = (found: unknown, wanted: unknown) => assert.equal(found, wanted, `${stream}:\n${story.join('\n')}`)

  const expectation = (): Expectation => {
    const last = BigInt(model.ids.length - 1)
    const exact = [last, last, last + 1n, last - BigInt(below(3))].filter((revision) => revision >= 0n)
    return pick<Expectation>(['any', 'no_stream', 'stream_exists', ...exact])
  }
  // The client has no way to say stream_exists of a deletion.
  const deletable = (): Exclude<Expectation, 'stream_exists'> => {
    const expected = expectation()
    return expected === 'stream_exists' ? 'any' : expected
  }
  const ids = () => {
    // Mostly new ids; sometimes a run of old ones, which is what a repetition looks like.
    if (used.length > 0 && random() < 0.4) {
      const start = below(used.length)
      return [...used.slice(start, start + 1 + below(3)), ...(random() < 0.2 ? [randomUUID()] : [])]
    }
    return Array.from({ length: below(4) }, () => randomUUID())
  }

  const steps: (() => Promise<void>)[] = [
    ...Array.from({ length: 6 }, () => async () => {
      const [expected, wanted] = [expectation(), ids()]
      const events = wanted.map((id) => jsonEvent({ id, type: 'Ticked', data: {} }))
      // With credentials the client takes Append, without them BatchAppend; they must agree.
      const credentials = random() < 0.3 ? { credentials: { username: 'admin', password: 'changeit' } } : {}
      story.push(`append ${expected} ${wanted.map((id) => id.slice(0, 4))}`)
      const verdict = await verdictOf(
        client.appendToStream(stream, events, { expectedRevision: expectedRevision(expected), ...credentials }),
      )
      const agreed = model.append(expected, wanted)
      // The client tells no difference between no event and one.
      same(verdict, typeof agreed === 'object' && agreed.revision < 0n && typeof verdict === 'object' ? verdict : agreed)
      for (const id of wanted) if (!used.includes(id)) used.push(id)
    }),
    async () => {
      const expected = deletable()
      story.push(`delete ${expected}`)
      const verdict = await verdictOf(
        client.deleteStream(stream, { expectedRevision: expectedRevision(expected) as never }) as never,
      )
      same(typeof verdict === 'object' ? 'done' : verdict, doneOr(model.softDelete(expected)))
    },
    async () => {
      if (random() < 0.7) return
      const expected = deletable()
      story.push(`tombstone ${expected}`)
      const verdict = await verdictOf(
        client.tombstoneStream(stream, { expectedRevision: expectedRevision(expected) as never }) as never,
      )
      same(typeof verdict === 'object' ? 'done' : verdict, doneOr(model.tombstone(expected)))
    },
    async () => {
      const metadata = pick([{}, { $maxCount: 1 + below(4) }, { $tb: below(8) }, { $maxCount: 1 + below(4), $tb: below(8) }])
      story.push(`metadata ${JSON.stringify(metadata)}`)
      await client.setStreamMetadata(stream, metadata)
      model.setMetadata(metadata)
    },
  ]
  await compareReads(client, stream, model, same)
  for (let step = 0; step < count; step++) {
    await pick(steps)()
    await compareReads(client, stream, model, same)
  }
}

const doneOr = (verdict: Verdict) => (typeof verdict === 'object' ? 'done' : verdict)

async function compareReads(
  client: EventStoreDBClient,
  stream: string,
  model: ModelStream,
  same: (a: unknown, b: unknown) => void,
) {
  const visible = model.visible()
  const from = BigInt(below(model.ids.length + 2))
  const maxCount = 1 + below(6)
  if (typeof visible === 'string') {
    same(await revisions(client, stream, { direction: FORWARDS, fromRevision: START }), visible)
    same(await revisions(client, stream, { direction: BACKWARDS, fromRevision: END }), visible)
    return
  }
  same(await revisions(client, stream, { direction: FORWARDS, fromRevision: START }), visible)
  same(
    await revisions(client, stream, { direction: FORWARDS, fromRevision: from, maxCount }),
    visible.filter((revision) => revision >= from).slice(0, maxCount),
  )
  same(
    await revisions(client, stream, { direction: BACKWARDS, fromRevision: from, maxCount }),
    visible
      .filter((revision) => revision <= from)
      .reverse()
      .slice(0, maxCount),
  )
}

async function revisions(client: EventStoreDBClient, stream: string, options: Parameters<EventStoreDBClient['readStream']>[1]) {
  try {
    const found: bigint[] = []
    for await (const { event } of client.readStream(stream, options)) found.push(event!.revision)
    return found
  } catch (error) {
    return (error as { type: string }).type
  }
}

/** `$all` has every event ever written, hidden or not, once and in the order of its stream, whichever way it is read. */
async function compareAll(client: EventStoreDBClient, subjects: readonly Subject[], since: bigint): Promise<void> {
  let maxCount = Number.MAX_SAFE_INTEGER
  for (const [direction, fromPosition] of [[FORWARDS, { commit: since, prepare: since }] as const, [BACKWARDS, END] as const]) {
    const found = new Map(subjects.map(({ stream }) => [stream, [] as string[]]))
    let read = 0
    for await (const { event } of client.readAll({ direction, fromPosition, maxCount })) {
      read++
      if (event!.type === 'Ticked') found.get(event!.streamId)?.push(event!.id)
    }
    maxCount = read
    for (const { stream, model, story } of subjects) {
      const ids = found.get(stream)!
      if (direction === BACKWARDS) ids.reverse()
      assert.equal(ids, model.ids, `${stream}, ${direction}:\n${story.join('\n')}`)
    }
  }
}

async function lastPosition(client: EventStoreDBClient): Promise<bigint> {
  let last = 0n
  for await (const { event } of client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1 }))
    last = event!.position!.commit
  return last
}

test('random sequences of writes and reads agree with the model, a restart in the middle of them', async () => {
  const directory = scratch()
  const count = isLong ? 1_000 : 30
  const atOnce = isLong ? 50 : 15
  for (let n = 0; n < count; n += atOnce) {
    const subjects = Array.from({ length: atOnce }, (_, k) => new Subject(`model-${seed}-${n + k}`))
    let since = 0n
    for (const steps of [12, 8]) {
      await withStore(async (client) => {
        since ||= await lastPosition(client)
        await Promise.all(subjects.map((subject) => walk(client, subject, steps)))
        await compareAll(client, subjects, since)
      }, directory)
    }
  }
})

test.run()
