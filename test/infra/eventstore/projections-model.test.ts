// Random logs (appends, links, metadata, deletions) and random stops, resets and restarts: what the projections leave visible
// is what a model derives from the log in one go.
import { randomUUID } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { firstVisible } from '../../../infra/embedded/eventstore/engine/limits.ts'
import { any } from '../../../infra/embedded/eventstore/engine/rules.ts'
import { Projections } from '../../../infra/embedded/eventstore/projections/projections.ts'
import { readRecord } from '../../../infra/embedded/eventstore/storage/log.ts'
import { StoredRecord, tombstoneRevision } from '../../../infra/embedded/eventstore/storage/record.ts'
import { openStore, type Store } from '../../../infra/embedded/eventstore/store.ts'
import { eventually, isLong, randomFrom, scratch, seed } from './support.ts'

const test = suite(`system projections against a model (seed ${seed})`)
const random = randomFrom(seed)
const pick = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!

const projectionNames = ['$by_category', '$by_correlation_id', '$by_event_type', '$stream_by_category', '$streams']
const names = ['orders-1', 'orders-2', 'orders-a-b', 'carts-1', 'carts-', '-none', 'plain', '$system-1', 'Größe-1']

const event = (type: string, data: string, isJson = true, metadata = '') => ({
  id: randomUUID(),
  type: Buffer.from(type),
  isJson,
  metadata: Buffer.from(metadata),
  data: Buffer.from(data),
})

/** Resolves whatever came of it: writes to a stream with a tombstone are refused. */
function write({ writer }: Store): Promise<unknown> {
  const stream = pick(names)
  return new Promise((resolve) => {
    const roll = random()
    const metadata = pick(['', '{"$correlationId":"one"}', '{"$correlationId":2}', '{"$correlationId":', 'none'])
    if (roll < 0.7) writer.append(stream, any, [event(pick(['A', 'B']), '{}', true, metadata), event('C', '{}')], resolve)
    else if (roll < 0.8) writer.append(`$$${stream}`, any, [event('$metadata', '{"$maxCount":3}')], resolve)
    else if (roll < 0.9) writer.softDelete(stream, any, resolve)
    else if (roll < 0.93) writer.tombstone(`${stream}${Math.floor(random() * 5)}`, any, resolve)
    else
      writer.append(
        stream,
        any,
        [event('$>', `${Math.floor(random() * 9)}@${pick(['nowhere', 'links'])}`, false, metadata)],
        resolve,
      )
  })
}

/** What each derived stream must show, from the log alone. Links here lead nowhere, so they are what they say. */
function model(store: Store): Map<string, string[]> {
  const derived = new Map<string, string[]>()
  const add = (stream: string, data: string) => derived.set(stream, [...(derived.get(stream) ?? []), data])
  store.log.scanAll(1, store.feed.position, false, (_, bytes) => {
    const { stream, type, revision: number, data, metadata } = new StoredRecord(bytes)
    if (isDerived(stream)) return true
    const text = data.toString()
    const isMetadata = stream.startsWith('$$')
    const base = isMetadata ? stream.slice(2) : stream
    const isDeletion = isMetadata ? text.includes('9223372036854775807') : type === '$streamDeleted'
    const revision = number === tombstoneRevision ? '9223372036854775807' : String(number)
    const category = /^([^$-][^-]*)-/.exec(isDeletion ? base : stream)?.[1]
    if (category !== undefined) add(`$ce-${category}`, type === '$>' ? text : `${revision}@${stream}`)
    if (type !== '$>') add(`$et-${isDeletion ? '$deleted' : type}`, `${revision}@${base}`)
    const [, correlation] = /^\{"\$correlationId":"?(\w+)"?\}$/.exec(metadata.toString()) ?? []
    if (correlation !== undefined && type !== '$>') add(`$bc-${correlation}`, `${revision}@${stream}`)
    if (number === 0 && /^[^$-][^-]*-/.test(stream)) add(`$category-${stream.split('-')[0]}`, stream)
    if (number === 0) add('$streams', `0@${stream}`)
    return true
  })
  return derived
}

/** Streams that projections write, and their metadata: what they make of these is left to the conformance run. */
const isDerived = (stream: string) => /^(\$\$)?\$(ce|et|bc|category)-|^(\$\$)?\$streams$/.test(stream)

function visible({ log, streams }: Store, name: string): string[] {
  const { number, committed, limits } = streams.get(name)
  const data: string[] = []
  for (let revision = firstVisible(limits, committed.last); number !== undefined && revision <= committed.last; revision++)
    data.push(readRecord(log, log.positionOf(number, revision)!)!.data.toString())
  return data.filter((target) => !isDerived(target.slice(target.indexOf('@') + 1)) && !ofDerived.test(target))
}

/** Metadata events of derived streams name them without the `$$`. */
const ofDerived = /^\d+@\$(ce|et|bc|category)-|^\d+@\$streams$/

const caughtUp = (projections: Projections) =>
  eventually(
    () => projections.list().every(({ status, position }) => status === 'Running' && position >= projections.end),
    'the projections catch up',
  )

async function disturb(projections: Projections): Promise<void> {
  const name = pick(projectionNames)
  const roll = random()
  if (roll < 0.4) await projections.disable(name, 'Stopped')
  else if (roll < 0.8) await projections.enable(name)
  else await projections.reset(name)
}

test('what is visible in the end is what the log says', async () => {
  for (let round = 0; round < (isLong ? 100 : 3); round++) {
    const directory = scratch()
    for (let restart = 0; restart < 3; restart++) {
      const store = await openStore(directory)
      const projections = new Projections(store)
      for (let step = 0; step < 60; step++) {
        await write(store)
        if (random() < 0.1) await disturb(projections)
        if (random() < 0.1) await new Promise((resolve) => setTimeout(resolve, 15))
      }
      if (restart === 2) {
        await projections.enableAll()
        await caughtUp(projections)
        for (const [stream, data] of model(store)) assert.equal(visible(store, stream), data, stream)
      }
      projections.close()
      await store.close()
    }
  }
})

test.run()
