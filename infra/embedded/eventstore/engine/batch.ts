import type { Commit } from '../storage/log.ts'
import type { Head, Stream } from './streams.ts'
import type { Answer, Outcome } from './writer.ts'

/** What becomes durable together. */
export interface Batch {
  readonly entries: Commit['entries'][number][]
  readonly newStreams: Commit['newStreams'][number][]
  /** The state of each stream that it touches, once it is durable. */
  readonly heads: Map<Stream, Head>
  /** The ids that it made known. */
  readonly newIds: { readonly stream: number; readonly id: string }[]
  readonly marks: Map<string, Buffer>
  readonly answers: { readonly answer: Answer; readonly outcome: Outcome }[]
  gaveOutPositions: boolean
}

export const newBatch = (): Batch => ({
  entries: [],
  newStreams: [],
  heads: new Map(),
  newIds: [],
  marks: new Map(),
  answers: [],
  gaveOutPositions: false,
})
