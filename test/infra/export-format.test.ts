import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CanonicalEvent, canonicalEvent } from '../../domain/event.ts'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
import { ExportDamaged, each, exportLines, linesOf, readExport } from '../../infra/cli/export-format.ts'

const test = suite('export format')
const networkId = '0b8f1c1e-5d50-4a3e-9d57-0d6f5f6f2a11'
const log: CanonicalEvent[] = Array.from({ length: 21 }, (_, n) => ({
  id: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  stream: `dux_node-n${n % 3}`,
  revision: Math.floor(n / 3),
  type: 'NodeUpdated',
  data: { b: n, a: 'line\nfeed, "quote", é' },
  metadata: { z: [1, 2, { y: null }] },
}))

async function* every<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items
}

async function written(options: { from?: number; to?: number } = {}, events = log): Promise<string> {
  let text = ''
  for await (const line of exportLines(every(events), { networkId, ...options })) text += line
  return text
}

async function read(text: string, chunk = 100) {
  const reader = each(readExport(linesOf(every(text.match(new RegExp(`[\\s\\S]{1,${chunk}}`, 'g')) ?? []))))
  const first = await reader.next()
  const events: CanonicalEvent[] = []
  for (;;) {
    const { done, value } = await reader.next()
    if (done) return { header: first.value, events, ...value }
    if ('event' in value) events.push(value.event)
  }
}

async function damage(text: string): Promise<ExportDamaged> {
  try {
    await read(text)
  } catch (error) {
    assert.instance(error, ExportDamaged, String(error))
    return error as ExportDamaged
  }
  throw new Error('the damaged file was accepted')
}

const rootOver = (events: readonly CanonicalEvent[]) =>
  rootOf(events.reduce((tree, event) => appendLeaf(tree, leafHash(canonicalEvent(event))), emptyTree)).toString('hex')

test('what was written reads back, with the root over all of it', async () => {
  for (const chunk of [1, 7, 5000]) {
    const { events, trailer } = await read(await written(), chunk)
    assert.equal(events, log)
    assert.equal(trailer, { count: 21, last: 20, root: rootOver(log) })
  }
})

test('a part of the log proves the root of everything up to its end', async () => {
  for (const [from, to] of [
    [1, 1],
    [7, 12],
    [16, 20],
    [20, 20],
  ] as const) {
    const { header, events, trailer } = await read(await written({ from, to }))
    assert.equal(header && 'range' in header && header.range, { from, to })
    assert.equal(events, log.slice(from, to + 1))
    assert.equal(trailer, { count: to - from + 1, last: to, root: rootOver(log.slice(0, to + 1)) })
  }
})

test('exports of the first format, whose lines have no hashes, are read as they were', async () => {
  const first = (await written()).replace('duxnet-log-v2', 'duxnet-log-v1').replaceAll(/,"leaf":"[0-9a-f]{64}"/g, '')
  const { events, trailer } = await read(first)
  assert.equal(events, log)
  assert.is(trailer.root, rootOver(log))
  assert.match((await damage((await written()).replace('duxnet-log-v2', 'duxnet-log-v1'))).message, /canonical form/)
  assert.is((await damage(first.replace('"b":3', '"b":4'))).line, 23)
})

test('an empty log has a header and a trailer', async () => {
  const { events, trailer } = await read(await written({}, []))
  assert.equal(events, [])
  assert.is(trailer.last, null)
})

test('a range beyond the end of the log is refused', async () => {
  for (const range of [{ to: 21 }, { from: 22 }, { from: 5, to: 100 }])
    await written(range).then(
      () => assert.unreachable(),
      (error) => assert.match(error.message, 'the log has 21 events'),
    )
})

test('a file that was cut at any byte is an error', async () => {
  const text = await written({}, log.slice(0, 3))
  for (let length = 0; length < text.length - 1; length += 1) await damage(text.slice(0, length))
})

test('a changed byte anywhere is an error', async () => {
  const text = await written({}, log.slice(0, 3))
  const networkIdAt = text.indexOf(networkId)
  for (let at = 0; at < text.length; at += 1) {
    // The network's id is the only thing that the root does not cover; it is compared with the log's genesis on import.
    if (at >= networkIdAt && at < networkIdAt + networkId.length) continue
    const changed = text[at] === '7' ? '8' : '7'
    await damage(text.slice(0, at) + changed + text.slice(at + 1))
  }
})

test('a line that is missing, repeated, out of place or too many is an error that names the line', async () => {
  const lines = (await written({}, log.slice(0, 4))).split('\n')
  const [header, a, b, c, d, trailer] = lines as [string, string, string, string, string, string]
  const lineOf = async (...changed: string[]) => (await damage(`${changed.join('\n')}\n`)).line
  assert.is(await lineOf(header, a, c, d, trailer), 3)
  assert.is(await lineOf(header, a, a, b, c, d, trailer), 3)
  assert.is(await lineOf(header, b, a, c, d, trailer), 2)
  assert.is(await lineOf(header, a, b, c, d, trailer, trailer), 7)
  assert.is(await lineOf(a, b, c, d, trailer), 1)
  assert.is(await lineOf(header, a, b, c, trailer), 5)
  assert.is(await lineOf(header, a, b, c, d), 6)
})

test('the same event in another spelling is an error', async () => {
  const text = await written({}, log.slice(0, 2))
  assert.is((await damage(text.replace('"event":', '"event": '))).line, 2)
  assert.is((await damage(text.replace('"count":2', '"count":3'))).line, 4)
})

test.run()
