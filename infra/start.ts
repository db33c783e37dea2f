// The whole system on one page: what is opened, in which order, and what is given to what. It ends in the opposite order.
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { verifySignature } from '../adapters/crypto/ed25519.ts'
import { fileSnapshots } from '../adapters/files/snapshots.ts'
import { isUnavailable } from '../adapters/postgres/unavailable.ts'
import { createApp } from '../api/app.ts'
import { type Deps, defaultLimits } from '../api/deps.ts'
import { createFeeds } from '../api/feeds.ts'
import { rateLimits } from '../api/rates.ts'
import { listen } from '../api/server.ts'
import { webSockets } from '../api/websocket.ts'
import type { Clock } from '../commands/ports.ts'
import { createSubmit } from '../commands/submit.ts'
import { merkleLog } from '../projections/merkle-log.ts'
import { runAgent } from './agent/agent.ts'
import { openChainSide } from './chain.ts'
import { Failure } from './cli/command.ts'
import { type Config, does } from './config.ts'
import { holdDataDirectory } from './data-directory.ts'
import { explainPort, openEngines } from './engines.ts'
import { failPoints, withFailPoints } from './fail-points.ts'
import { keyRing } from './keys.ts'
import { whileLeading } from './leading.ts'
import { lifetime as newLifetime } from './lifetime.ts'
import { openLogSigner } from './log-signer.ts'
import { logged, seldom } from './logs.ts'
import { createMetrics } from './metrics.ts'
import { moneyStatus } from './money-status.ts'
import { enterNetwork, networkOfReadModel } from './network.ts'
import { NotServed, noChain, noCommands, noQueries, noRequests } from './not-served.ts'
import { openRequests } from './private-side.ts'
import { createProcesses } from './processes.ts'
import { openReadSide, untilBuilt } from './read-side.ts'
import { readinessOf } from './readiness.ts'
import { openRelay } from './relay.ts'
import { version } from './version.ts'
import { openWebhooks } from './webhooks.ts'

/** A DuxNet that runs in this process. */
export interface Instance {
  /** Base address of the API. */
  readonly http: string
  /** Connection string; undefined where no role needs it. */
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
  /** Ends a start that still waits for something. */
  readonly stopping: AbortSignal
}

/** Starts the roles of `config`; resolves when they work. Throws `Failure` for what a person can mend, and the reason of `stopping`. */
export async function startDuxnet(config: Config, { log, progress, stopping }: StartOptions): Promise<Instance> {
  const { namespace, host, port } = config
  const clock: Clock = () => new Date()
  const metrics = createMetrics()
  const draining = new AbortController()
  const lifetime = newLifetime()
  try {
    const directory = holdDataDirectory(config.data)
    lifetime.atEnd(directory.release)
    directory.tell({ state: 'starting', namespace })

    const engines = await openEngines(config, { lifetime, log, progress })
    stopping.throwIfAborted()
    const { eventStore, postgres } = engines
    const reached = failPoints(process.env.DUXNET_FAIL_POINT)
    const store = eventStore && reached ? withFailPoints(eventStore.store, reached) : eventStore?.store
    const addresses = {
      namespace,
      ...(eventStore && { eventStore: eventStore.address }),
      ...(postgres && { database: postgres.url, databaseReader: postgres.readerUrl }),
    }
    directory.tell({ state: 'starting', ...addresses })

    const readSide = openReadSide({
      engines,
      lifetime,
      clock,
      log,
      onAdvance(projection) {
        processes?.moved(projection)
        if (projection === 'event-log') {
          webhooks?.moved()
          relay?.moved()
        }
        if (projection === merkleLog.name) logSigner?.moved()
      },
    })
    if (readSide) {
      metrics.watchProjections(readSide.status)
      metrics.watchMoney(() => moneyStatus(readSide.queries, clock))
    }

    const keys = keyRing(config.data)
    const network = store
      ? await enterNetwork({ store, keys, config, log, signal: stopping })
      : await networkOfReadModel(readSide!.queries, log, stopping)
    const { networkId } = network

    const snapshots = fileSnapshots(
      join(config.data, 'snapshots'),
      seldom((error) => log.warn({ err: error }, 'snapshots cannot be kept')),
    )
    lifetime.atEnd(snapshots.idle)
    const submit =
      store &&
      createSubmit({
        store,
        namespace,
        networkId,
        clock,
        verify: verifySignature,
        metrics: metrics.commands,
        cacheBytesMax: (config.stateCacheMb ?? cacheMbHere()) * 1024 * 1024,
        snapshots,
      })

    const processes =
      does(config, 'processes') && store && submit && readSide
        ? createProcesses({ network, store, readSide, submit, keys, clock, log, reached })
        : undefined

    const logSigner =
      does(config, 'processes') && readSide
        ? openLogSigner({ network, keys, reads: readSide.queries, witnesses: config.witnesses, log })
        : undefined

    const webhooks =
      does(config, 'webhooks') && engines.private
        ? openWebhooks({ engine: engines.private, config, lifetime, clock, log, metrics: metrics.webhooks })
        : undefined

    const publicUrl = () => config.publicUrl ?? server.url
    const source = () => ({ networkId, publicUrl: publicUrl() })
    const relay =
      readSide && openRelay({ config, networkId, reads: readSide.queries, source, lifetime, log, metrics: metrics.relay })

    const chainSide = await openChainSide({
      config,
      network,
      store,
      privateStore: engines.private?.store,
      readSide,
      submit,
      keys,
      clock,
      log,
      metrics: metrics.chain,
      reached,
    })

    const reads = does(config, 'queries') && readSide ? readSide.queries : noQueries
    const checkpoints = readSide?.progress ?? noQueries
    const deps: Deps = {
      networkId,
      publicUrl,
      version,
      submit: does(config, 'commands') && submit ? submit : noCommands,
      requests:
        does(config, 'commands') && engines.private
          ? openRequests({ engine: engines.private, networkId, clock, allowPrivate: config.webhooksAllowPrivate })
          : noRequests,
      reads,
      progress: checkpoints,
      checkpoint: logSigner?.checkpoint,
      feeds: createFeeds({
        reads,
        progress: checkpoints,
        source,
        metrics: metrics.feeds,
        onError: seldom((error) => log.warn({ err: error }, 'the feeds wait')),
      }),
      depositAddress: chainSide?.depositAddress ?? noChain,
      isUnavailable: (error) => error instanceof NotServed || isUnavailable(error),
      clock,
      log,
      metrics: logged(metrics.http, log),
      limits: defaultLimits,
      rates: rateLimits(config, clock),
      readiness: readinessOf(engines, readSide, clock, { webhooks, relay }),
      stopping: draining.signal,
    }
    const serving = { host, port, upgrade: webSockets(deps), graceMs: (config.shutdownSeconds * 1000) / 2 }
    const server = await listen(createApp(deps), serving).catch((error) => {
      throw new Failure(explainPort(`the API cannot listen on ${host}:${port}: ${error.message}`, 'PORT'), { cause: error })
    })
    lifetime.atEnd(server.close)
    const here = { ...addresses, networkId, http: server.url }
    directory.tell({ state: 'starting', ...here })

    if (readSide) await untilBuilt(readSide, progress, stopping)
    if (processes && postgres)
      lifetime.background('the processes', (signal) => whileLeading(postgres.url, 'processes', signal, processes.run))
    // The key is in one data directory, which one instance holds: there is nothing to elect.
    if (logSigner) lifetime.background('the checkpoints of the log', logSigner.run)
    if (webhooks && engines.private) {
      const { url } = engines.private
      lifetime.background('the webhooks', (signal) => whileLeading(url, 'webhooks', signal, (within) => webhooks.run(within)))
    }
    if (relay && postgres) lifetime.background('the relay', (signal) => whileLeading(postgres.url, 'relay', signal, relay.run))
    const chainRunner = chainSide?.runner
    if (chainRunner && postgres)
      lifetime.background('the chain process', (signal) => whileLeading(postgres.url, 'chain', signal, chainRunner.run))
    if (does(config, 'agent')) {
      const signer = keys.findOrMake('agent')
      // A node that the network will not have is no reason to stop the network.
      lifetime.background('the agent', (signal) =>
        runAgent({ url: server.url, signer, region: config.region, log, signal }).catch((error) =>
          log.error({ err: error }, 'the agent has ended'),
        ),
      )
    }
    stopping.throwIfAborted()
    directory.tell({ state: 'ready', ...here })

    return {
      http: server.url,
      eventStore: eventStore?.address,
      networkId,
      networkKind: network.kind,
      failed: lifetime.failed,
      async stop() {
        draining.abort()
        await sleep(config.drainSeconds * 1000)
        await lifetime.end()
      },
    }
  } catch (error) {
    await lifetime.end()
    throw error
  }
}

/** A 32nd of the machine's memory, within reason. */
function cacheMbHere(): number {
  return Math.min(1024, Math.max(64, Math.floor(totalmem() / 32 / 1024 ** 2)))
}
