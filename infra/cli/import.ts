import { join } from 'node:path'
import { connectEventStore } from '../../adapters/eventstore/event-store.ts'
import { AppendOutcomeUnknown, type EventStore, StoreUnavailable } from '../../commands/ports.ts'
import { type CanonicalEvent, canonicalEvent } from '../../domain/event.ts'
import { appendLeaf, emptyTree, leafHash, rootOf } from '../../domain/merkle.ts'
import { parseStreamName } from '../../domain/stream.ts'
import { type Config, configHelp, configOptions, loadConfig } from '../config.ts'
import { holdDataDirectory } from '../data-directory.ts'
import { startEmbeddedEventStore } from '../embedded/eventstore/start.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { each, readExportFile } from './export-format.ts'
import { progressOf } from './progress.ts'

const keys = ['data', 'esdbUrl', 'namespace'] as const

export const command: Command = {
  usage: `
duxnet import FILE

Writes an export into an empty event store, in its order, and proves that the store then has the same Merkle root. The store is
that of --esdb-url, or the embedded one of a data directory that no instance runs on. One that was broken off goes on where
it stopped; a store that holds anything else is refused.
${configHelp(keys)}`,
  options: configOptions(keys),
  positionals: { min: 1, max: 1 },

  async run(values, [path]) {
    const { config, sources } = loadConfig(values)
    const file = await verify(path!)
    if (sources.namespace && config.namespace !== file.namespace)
      throw new UsageError(
        `${sources.namespace}: the streams of ${path} are in the namespace ${file.namespace}, and cannot be renamed`,
      )
    const target = await openTarget(config, file.namespace)
    try {
      const count = await append(path!, target.store)
      const root = await rootIn(target.store)
      if (root !== file.root) throw new Failure(`the store's root is ${root}, but the file's is ${file.root}`)
      process.stdout.write(`${JSON.stringify({ networkId: file.networkId, imported: count, count: file.count, root })}\n`)
      return exit.done
    } catch (error) {
      if (error instanceof StoreUnavailable)
        throw new Failure(`${error.message}; the same command again goes on where this one stopped`)
      throw error
    } finally {
      await target.close()
    }
  },
}

/** Reads the whole file before anything is written. Throws `Failure` for one that is damaged, or is no whole log. */
async function verify(path: string) {
  const reader = each(readExportFile(path))
  const tell = progressOf('verifying')
  let networkId = ''
  let namespace = ''
  for (;;) {
    const { done, value } = await reader.next()
    if (done) {
      if (!namespace) throw new Failure(`${path} holds no events`)
      return { networkId, namespace, ...value }
    }
    if ('range' in value) {
      networkId = value.networkId
      if (value.range.from > 0) throw new Failure(`${path} starts at event ${value.range.from}, so it is not a whole log`)
    } else {
      const { stream, type } = value.event
      if (value.index === 0) namespace = stream.split('_')[0]!
      if (value.index === 0 && (type !== 'NetworkFounded' || stream !== `${namespace}_network-${networkId}`))
        throw new Failure(`${path} does not begin with the founding of network ${networkId}`)
      if (!parseStreamName(namespace, stream))
        throw new Failure(`${path}: ${stream} (event ${value.index}) is no stream of ${namespace}`)
      tell(value.index + 1)
    }
  }
}

async function openTarget(config: Config, namespace: string): Promise<{ store: EventStore; close(): Promise<void> }> {
  if (config.esdbUrl !== undefined) {
    const store = connectEventStore({ connectionString: config.esdbUrl, namespace })
    return { store, close: () => store.close() }
  }
  const directory = holdDataDirectory(config.data)
  try {
    const engine = await startEmbeddedEventStore({ directory: join(config.data, 'eventstore'), port: 0 })
    const store = connectEventStore({ connectionString: engine.connectionString, namespace })
    return {
      store,
      async close() {
        await store.close()
        await engine.close()
        directory.release()
      },
    }
  } catch (error) {
    directory.release()
    throw error
  }
}

/** Number of events appended. Throws `Failure` when the store holds something that is not the beginning of the file. */
async function append(path: string, store: EventStore): Promise<number> {
  const there = store.readAll()[Symbol.asyncIterator]()
  const tell = progressOf('importing')
  let appended = 0
  let run: CanonicalEvent[] = []
  let inStore = await there.next()
  for await (const line of each(readExportFile(path))) {
    if ('range' in line) continue
    const { event, index } = line
    if (!inStore.done) {
      if (canonicalEvent(inStore.value) !== canonicalEvent(event))
        throw new Failure(`the store is not empty and not a part of this import: it differs at event ${index}`)
      inStore = await there.next()
      continue
    }
    if (run.length && (run[0]!.stream !== event.stream || run.length === runMax)) await flush()
    run.push(event)
    tell(index + 1)
  }
  if (!inStore.done) throw new Failure('the store is not empty: it holds more than the file')
  if (run.length) await flush()
  return appended

  /** Neighbours of one stream go in one append; everything else one after the other, because the order is the log. */
  async function flush(): Promise<void> {
    const [{ stream, revision }] = run as [CanonicalEvent]
    const send = () => store.append(stream, revision === 0 ? 'no_stream' : revision - 1, run)
    // The same events at the same revision may be sent again: they are written once.
    await send().catch((error) => {
      if (error instanceof AppendOutcomeUnknown) return send()
      throw error
    })
    appended += run.length
    run = []
  }
}

/** At most 60 KiB each, so that an append stays below the megabyte that a store takes. */
const runMax = 16

async function rootIn(store: EventStore): Promise<string> {
  const tell = progressOf('proving')
  let tree = emptyTree
  for await (const event of store.readAll()) {
    tree = appendLeaf(tree, leafHash(canonicalEvent(event)))
    tell(tree.size)
  }
  return rootOf(tree).toString('hex')
}
