// Logs made for tests, and everything that can be asked of one.
import { randomUUID } from 'node:crypto'
import { CorruptRecord } from '../../../infra/embedded/eventstore/storage/header.ts'
import type { Commit, Log } from '../../../infra/embedded/eventstore/storage/log.ts'
import { encodeRecord, tombstoneRevision } from '../../../infra/embedded/eventstore/storage/record.ts'

const nothing = Buffer.alloc(0)

/** Writes commits of random shape to random streams, some of which end, and leaves out some positions. */
export class LogWriter {
  readonly names: string[] = []
  readonly #log: Log
  readonly #random: () => number
  readonly #lasts = new Map<number, number>()

  constructor(log: Log, random: () => number) {
    this.#log = log
    this.#random = random
  }

  async commit(): Promise<void> {
    const entries: Commit['entries'][number][] = []
    const newStreams: Commit['newStreams'][number][] = []
    let position = this.#log.nextPosition + (this.#random() < 0.1 ? 1 : 0)
    for (let n = this.#below(5); n >= 0; n--) {
      let stream = 1 + this.#below(this.names.length + 1)
      const last = this.#lasts.get(stream)
      if (last === tombstoneRevision) stream = this.names.length + 1
      if (stream > this.names.length) newStreams.push({ name: this.#newName(), stream })
      const revision = this.#random() < 0.02 ? tombstoneRevision : (this.#lasts.get(stream) ?? -1) + 1
      this.#lasts.set(stream, revision)
      entries.push({ position, stream, revision, record: this.#record(stream, revision, position) })
      position++
    }
    const marks = new Map<string, Buffer>()
    if (this.#random() < 0.1) marks.set(`mark ${this.#below(3)}`, Buffer.from(`value ${position}`))
    const nextPosition = marks.size > 0 || this.#random() < 0.1 ? position + 1 + this.#below(2) : undefined
    await this.#log.write({ entries, newStreams, marks, nextPosition }, true)
  }

  #record(stream: number, revision: number, position: number): Buffer {
    const data = Buffer.alloc(this.#below(300), 0x61)
    const name = Buffer.from(this.names[stream - 1]!)
    const type = Buffer.from('Ticked')
    const metadata = nothing
    return encodeRecord({ id: randomUUID(), stream: name, revision, position, type, isJson: false, created: 1, metadata, data })
  }

  #newName(): string {
    const name = `stream-${this.names.length}${'-long'.repeat(this.#below(3))}`
    this.names.push(name)
    return name
  }

  #below(n: number): number {
    return Math.floor(this.#random() * n)
  }
}

/** Each question with its answer; `undefined` instead where a record is damaged. */
export function askEverything(log: Log, names: readonly string[]): Map<string, string | undefined> {
  const answers = new Map<string, string | undefined>()
  const ask = (question: string, answer: () => unknown) => {
    try {
      answers.set(question, JSON.stringify(answer()) ?? 'nothing')
    } catch (error) {
      if (!(error instanceof CorruptRecord)) throw error
      answers.set(question, undefined)
    }
  }
  ask('the next position', () => [log.nextPosition, log.nextStream])
  for (let n = 0; n < 4; n++) ask(`mark ${n}`, () => log.mark(`mark ${n}`)?.toString())
  const text = (record: Buffer | undefined) => record?.toString('base64')
  for (let position = 0; position <= log.nextPosition; position++) ask(`record ${position}`, () => text(log.record(position)))
  for (const reverse of [false, true])
    ask(`$all ${reverse}`, () => {
      const found: unknown[] = []
      log.scanAll(0, 2 ** 50, reverse, (position, record) => found.push([position, text(record)]) > 0)
      return found
    })
  for (const name of [...names, 'never written', '']) {
    ask(`number of ${name}`, () => log.streamNumber(name))
    for (const reverse of [false, true])
      ask(`${name} ${reverse}`, () => {
        const found: unknown[] = []
        const stream = log.streamNumber(name)
        if (stream !== undefined)
          log.scanStream(
            stream,
            0,
            tombstoneRevision,
            reverse,
            (revision, position) => found.push([revision, text(log.record(position))]) > 0,
          )
        return found
      })
  }
  return answers
}
