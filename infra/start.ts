// The whole system on one page: what is opened, in which order, and what is given to what. It ends in the opposite order.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { verifySignature } from '../adapters/crypto/ed25519.ts'
import { connectEventStore } from '../adapters/eventstore/event-store.ts'
import { copyTransaction } from '../adapters/postgres/copy.ts'
import { openReader, openWriter } from '../adapters/postgres/pool.ts'
import { isUnavailable } from '../adapters/postgres/unavailable.ts'
import { createApp } from '../api/app.ts'
import { type Check, defaultLimits } from '../api/deps.ts'
import { listen } from '../api/server.ts'
import { type Clock, StoreUnavailable, type SubmitCommand } from '../commands/ports.ts'
import { createHealthRunner, tickMs } from '../commands/processes/health-runner.ts'
import { watchIngestion } from '../commands/processes/ingestion.ts'
import { createSubmit } from '../commands/submit.ts'
import { type Progress, progress as progressOf } from '../projections/progress.ts'
import { createProjector } from '../projections/projector.ts'
import { type Queries, queries } from '../projections/queries.ts'
import type { ReadModels } from '../projections/read.ts'
import { readModels } from '../projections/read-models.ts'
import { type ProjectionStatus, storedStatus } from '../projections/status.ts'
import { runAgent } from './agent/agent.ts'
import { Failure } from './cli/command.ts'
import type { Config, Role } from './config.ts'
import { holdDataDirectory } from './data-directory.ts'
import { type Engine, explainPort, openEventStore, openPostgres } from './engines.ts'
import { keyRing } from './keys.ts'
import { whileLeading } from './leading.ts'
import { createMetrics } from './metrics.ts'
import { enterNetwork, networkOfReadModel } from './network.ts'
import { engineCheck, projectionCheck } from './readiness.ts'
import { version } from './version.ts'

/** A DuxNet that runs in this process. */
export interface Instance {
  /** Base address of the API. */
  readonly http: string
  readonly eventStore: string | undefined
  readonly networkId: string
  readonly networkKind: 'test' | 'main'
  /** Resolves when something has ended without which the instance is of no use. Never rejects. */
  readonly failed: Promise<Error>
  /** Fails /readyz, answers the requests in work, writes the last checkpoints, ends the engines. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly log: Logger
  /** Told what a person may have to wait for. */
  readonly progress: (what: string) => void
  /** Ends a start that is still waiting. */
  readonly stopping: AbortSignal
}

/** Starts the roles of `config`; resolves when they work. Throws `Failure` for what a person can mend, and the reason of `stopping`. */
export async function startDuxnet(config: Config, { log, progress, stopping }: StartOptions): Promise<Instance> {
  const open = new AsyncDisposableStack()
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>()
  const draining = new AbortController()
  const clock: Clock = () => new Date()
  const does = (...roles: readonly Role[]) => roles.some((role) => config.roles.includes(role))

  try {
    const directory = holdDataDirectory(config.data)
    open.defer(() => directory.release())
    directory.tell({ state: 'starting', namespace: config.namespace })

    // The engines: each only where a role needs it.
    const openingEventStore = does('commands', 'projector', 'processes') ? engine(openEventStore(config)) : undefined
    const openingPostgres = does('queries', 'projector', 'processes') ? engine(openPostgres(config, log, progress)) : undefined
    await Promise.allSettled([openingEventStore, openingPostgres])
    const [eventStore, postgres] = [await openingEventStore, await openingPostgres]
    const store = eventStore && connectEventStore({ connectionString: eventStore.address, namespace: config.namespace, log })
    if (store) open.defer(() => store.close())
    const onBroken = (message: string, error: Error) => log.warn({ reason: error.message }, message)
    const reader = postgres && openReader<ReadModels>({ url: postgres.address.readerUrl, log: onBroken })
    if (reader) open.defer(() => reader.close())
    const writer = does('projector') && postgres ? openWriter<ReadModels>({ url: postgres.address.url, log: onBroken }) : undefined
    if (writer) open.defer(() => writer.close())
    const reads = reader && queries(reader.db)
    const addresses = {
      namespace: config.namespace,
      ...(eventStore && { eventStore: eventStore.address }),
      ...(postgres && { database: postgres.address.url, databaseReader: postgres.address.readerUrl }),
    }
    directory.tell({ state: 'starting', ...addresses })

    // The network: whose log is it?
    const keys = keyRing(config.data)
    const network = store
      ? await enterNetwork({ store, keys, config, log, signal: stopping })
      : await networkOfReadModel(reads!, log, stopping)
    const { networkId } = network
    stopping.throwIfAborted()

    // The write side.
    const metrics = createMetrics()
    const submit: SubmitCommand | undefined =
      store &&
      createSubmit({
        store,
        namespace: config.namespace,
        networkId,
        clock,
        verify: verifySignature,
        metrics: metrics.commands,
        cacheBytesMax: config.stateCacheMb * 1024 * 1024,
      })

    // The read side.
    const progressOfReads = reader && progressOf(reader.db)
    const health =
      does('processes') && store && submit && reads
        ? createHealthRunner({
            networkId,
            policy: () => network.policy,
            watch: reads.healthWatch,
            ingestion: watchIngestion(store, clock, tickMs),
            submit,
            signer: keys.findOrMake('health'),
            clock,
            sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
            onError: seldom((error: unknown) => log.warn({ err: error }, 'health transitions wait')),
          })
        : undefined
    const projector =
      writer && store
        ? createProjector({
            projections: readModels,
            source: store,
            db: writer.db,
            copyTransaction: (work) => copyTransaction(writer.pool, work),
            clock,
            onAdvance(projection, position) {
              progressOfReads?.advanced(projection, position)
              if (projection === 'health-watch') health?.moved()
            },
            log,
          })
        : undefined
    let leads = false
    const status = async () => {
      if (projector && leads) return projector.status()
      return reader ? storedStatus(reader.db, readModels, store, clock) : []
    }
    metrics.watchProjections(status)
    if (projector)
      background('the projector', (signal) =>
        whileLeading(postgres!.address.url, 'projector', signal, async (within) => {
          leads = true
          await projector.run(within)
          leads = false
        }),
      )

    // The API.
    const app = createApp({
      networkId,
      version,
      submit: does('commands') && submit ? submit : refuseCommand,
      reads: does('queries') && reads ? reads : noReads,
      progress: progressOfReads ?? noReads,
      isUnavailable: (error) => error instanceof NotServed || isUnavailable(error),
      clock,
      log,
      metrics: metrics.http,
      limits: defaultLimits,
      readiness,
      stopping: draining.signal,
    })
    const { host, port, shutdownSeconds } = config
    const server = await listen(app, { host, port, graceMs: (shutdownSeconds * 1000) / 2 }).catch((error) => {
      throw new Failure(explainPort(`the API cannot listen on ${host}:${port}: ${error.message}`, 'PORT'), { cause: error })
    })
    open.defer(() => server.close())
    directory.tell({ state: 'starting', ...addresses, networkId, http: server.url })

    if (projector) await builtOf(status, progress, stopping)
    if (health)
      background('the health process', (signal) =>
        whileLeading(postgres!.address.url, 'processes', signal, (within) => health.run(within)),
      )
    if (does('agent'))
      background('the agent', (signal) =>
        runAgent({ url: server.url, signer: keys.findOrMake('agent'), region: config.region, log, signal }).catch((error) =>
          log.error({ err: error }, 'the agent has ended'),
        ),
      )
    stopping.throwIfAborted()
    directory.tell({ state: 'ready', ...addresses, networkId, http: server.url })

    return {
      http: server.url,
      eventStore: eventStore?.address,
      networkId,
      networkKind: network.kind,
      failed,
      async stop() {
        draining.abort()
        if (config.drainSeconds) await sleep(config.drainSeconds * 1000)
        await open.disposeAsync()
      },
    }

    async function readiness(): Promise<Check[]> {
      const [engines, projections] = await Promise.all([
        Promise.all([
          ...(store ? [engineCheck('event store', () => store.ping())] : []),
          ...(reader ? [engineCheck('postgres', () => reader.ping())] : []),
        ]),
        status().catch(() => []),
      ])
      return [...engines, ...projections.map(projectionCheck)]
    }
  } catch (error) {
    await open.disposeAsync()
    throw error
  }

  async function engine<Address>(opening: Promise<Engine<Address>>): Promise<Engine<Address>> {
    const opened = await opening
    open.defer(() => opened.close())
    void opened.failed.then(fail)
    return opened
  }

  /** Something that runs until the end. */
  function background(name: string, run: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController()
    const running = run(controller.signal).catch((error) =>
      fail(new Error(`${name} has failed: ${error.message}`, { cause: error })),
    )
    open.defer(() => {
      controller.abort()
      return running
    })
  }
}

/** What comes every second while an engine is away is worth saying twice a minute. */
function seldom<Argument>(say: (argument: Argument) => void): (argument: Argument) => void {
  let next = 0
  return (argument) => {
    if (performance.now() < next) return
    next = performance.now() + 30_000
    say(argument)
  }
}

/** What this instance does not do, another one may: 503. */
class NotServed extends Error {}

const refuseCommand: SubmitCommand = async () => {
  throw new StoreUnavailable('this instance takes no commands')
}

const noReads = new Proxy({} as Queries & Progress, {
  get: () => async () => {
    throw new NotServed('this instance answers no queries')
  },
})

/** Waits until every read model serves, or stands still for a reason that no waiting mends; says how far the builds are. */
async function builtOf(
  status: () => Promise<readonly ProjectionStatus[]>,
  progress: (what: string) => void,
  stopping: AbortSignal,
): Promise<void> {
  for (let said = performance.now(); ; await sleep(50, undefined, { signal: stopping })) {
    const found = await status().catch((error) => {
      // Postgres away: queries answer 503 until it is back, everything else goes on. Otherwise there is nothing yet.
      if (isUnavailable(error)) return []
      return undefined
    })
    if (!found) continue
    const building = found.filter(({ state, generation }) => generation === 0 && (state === 'building' || state === 'waiting'))
    if (!building.length) return
    if (performance.now() - said < 1000) continue
    said = performance.now()
    progress(`building the read models ${building.map(({ name }) => name).join(', ')}: ${building[0]!.detail ?? 'about to begin'}`)
  }
}
