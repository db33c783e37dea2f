import { once } from 'node:events'
import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import type { RecordedEvent } from '../../domain/event.ts'
import type { TreeHead } from '../../domain/merkle.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { type Attestation, exportLines } from './export-format.ts'
import { indexOption } from './index-option.ts'
import { openLog } from './log.ts'
import { progressOf } from './progress.ts'

const keys = ['data', 'esdbUrl', 'namespace'] as const

export const command: Command = {
  usage: `
duxnet export [--from INDEX] [--to INDEX] [--out FILE]

Writes the log as NDJSON: a header, one line for each event with its dense index and leaf hash, and a trailer with the count and
the Merkle root (RFC 6962) over everything up to the last event. Reads from the running instance, whose signed checkpoint then
stands in the trailer too, or from --esdb-url.

  --from INDEX  first event (0); what does not start at 0 can be verified, but not imported or folded
  --to INDEX    last event (the newest)
  --out FILE    write there, whole or not at all; an existing file is not overwritten (standard output)
${configHelp(keys)}`,
  options: { ...configOptions(keys), from: { type: 'string' }, to: { type: 'string' }, out: { type: 'string' } },

  async run(values) {
    const from = indexOption('--from', values.from) ?? 0
    const to = indexOption('--to', values.to) ?? null
    if (to !== null && to < from) throw new UsageError(`--to: ${to} comes before ${from}`)
    const out = values.out === undefined ? undefined : String(values.out)
    if (out !== undefined && existsSync(out)) throw new Failure(`${out} is there already and is not overwritten`)
    const log = await openLog(loadConfig(values))
    try {
      const http = log.running?.http
      const attest = http === undefined ? undefined : (head: TreeHead) => attestationOf(http, head)
      const lines = exportLines(counted(log.events()), { networkId: log.networkId, from, to, ...(attest && { attest }) })
      await (out === undefined ? writeTo(process.stdout, lines) : writeFile(out, lines))
      return exit.done
    } catch (error) {
      if (error instanceof RangeError) throw new Failure(error.message)
      throw error
    } finally {
      await log.close()
    }
  },
}

const attestMs = { limit: 5000, pause: 250 }
const attestationSchema = z.object({ checkpoint: z.string().nullable(), proof: z.array(z.string()) })

/** Waits until the instance has signed a tree of these events or more; undefined, and a word about it, when it does not. */
async function attestationOf(http: string, { size }: TreeHead): Promise<Attestation | undefined> {
  const end = performance.now() + attestMs.limit
  const ask = async (path: string) =>
    (await fetch(`${http}${path}`, { signal: AbortSignal.timeout(attestMs.limit) })).json() as Promise<unknown>
  let reason = 'it signs none'
  try {
    const { signs } = z.object({ signs: z.boolean() }).parse(await ask('/v1/log'))
    while (signs && performance.now() < end) {
      const { data } = attestationSchema.safeParse(await ask(`/v1/log/consistency-proof?from=${size}`))
      if (data && data.checkpoint !== null) return { checkpoint: data.checkpoint, proof: data.proof }
      reason = 'it has not signed these events yet'
      await sleep(attestMs.pause)
    }
  } catch (error) {
    reason = error instanceof z.ZodError ? 'it cannot say' : (error as Error).message
  }
  process.stderr.write(`duxnet export: without a signed checkpoint from ${http}: ${reason}\n`)
  return undefined
}

async function* counted(events: AsyncIterable<RecordedEvent>): AsyncGenerator<RecordedEvent> {
  const tell = progressOf('exporting')
  let count = 0
  for await (const event of events) {
    yield event
    tell((count += 1))
  }
}

async function writeFile(path: string, lines: AsyncIterable<string>): Promise<void> {
  const beside = `${path}.part`
  const file = createWriteStream(beside, { flush: true })
  try {
    await writeTo(file, lines)
    file.end()
    await finished(file)
    renameSync(beside, path)
  } catch (error) {
    file.destroy()
    rmSync(beside, { force: true })
    throw error
  }
}

const chunkCharacters = 64 * 1024

/** In pieces of a size that a file likes, no faster than they are taken. */
async function writeTo(out: Writable, lines: AsyncIterable<string>): Promise<void> {
  let chunk = ''
  for await (const line of lines) {
    chunk += line
    if (chunk.length < chunkCharacters) continue
    if (!out.write(chunk)) await once(out, 'drain')
    chunk = ''
  }
  out.write(chunk)
}
