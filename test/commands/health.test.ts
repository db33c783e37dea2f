import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type HealthItem, type HealthWatch, StoreUnavailable } from '../../commands/ports.ts'
import { graceMs, healthCommands } from '../../commands/processes/health.ts'
import { createHealthRunner, type HealthRunnerDeps, tickMs } from '../../commands/processes/health-runner.ts'
import { watchIngestion } from '../../commands/processes/ingestion.ts'
import { signCommand } from '../../commands/sign.ts'
import { decode } from '../../domain/catalogue.ts'
import { initialPolicy } from '../../domain/network/policy.ts'
import { healthWatch } from '../../projections/health-watch.ts'
import { someNode, type TestNode, vitals, type World, world } from './world.ts'

const health = suite('health process')

const networkId = '11111111-1111-4111-8111-111111111111'
const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1) + seconds * 1000)
const item = (over: Partial<HealthItem> = {}): HealthItem => ({
  nodeId: 'a',
  status: 'healthy',
  verdict: 'healthy',
  reasons: [],
  heartbeatRevision: 4,
  heartbeatAt: at(0).toISOString(),
  ...over,
})
const round = { networkId, policy: initialPolicy, now: at(200), upSince: at(-1000), changed: [], silent: [] }

health('an item whose verdict changed becomes what its last heartbeat says, as of that heartbeat', () => {
  const changed = [item({ status: 'registered' }), item({ nodeId: 'b', verdict: 'unhealthy', reasons: ['load'] })]
  const [one, other] = healthCommands({ ...round, changed })
  assert.equal(one!.data, { to: 'healthy', reasons: [], at: at(0).toISOString(), heartbeatRevision: 4 })
  assert.equal(other!.data, { to: 'unhealthy', reasons: ['load'], at: at(0).toISOString(), heartbeatRevision: 4 })
  assert.equal([one!.type, one!.subject, one!.audience, one!.issuedAt], ['ChangeHealth', 'a', networkId, at(200).toISOString()])
})

health('a silent item goes offline as of its deadline, and not before', () => {
  const silent = [item()]
  assert.is(graceMs(initialPolicy), 180_000)
  assert.equal(healthCommands({ ...round, now: at(179.999), silent }), [])
  const [command] = healthCommands({ ...round, now: at(180), silent })
  assert.equal(command!.data, {
    to: 'offline',
    reasons: ['missed_heartbeats'],
    at: at(180).toISOString(),
    heartbeatRevision: 4,
  })
  assert.equal(healthCommands({ ...round, now: at(5000), silent })[0]!.data.at, at(180).toISOString())
})

health('what was missed while nobody listened is not held against a node', () => {
  const silent = [item()]
  const upSince = at(100)
  assert.equal(healthCommands({ ...round, now: at(279), upSince, silent }), [])
  assert.is(healthCommands({ ...round, now: at(281), upSince, silent })[0]!.data.at, at(280).toISOString())
})

health('one item makes one command id, whoever asks and however often', () => {
  const idOf = (over: Partial<HealthItem>, to: 'changed' | 'silent' = 'changed', now = at(300)) =>
    healthCommands({ ...round, now, [to]: [item(over)] })[0]!.commandId
  assert.is(idOf({}), idOf({}, 'changed', at(301)))
  const ids = [idOf({}), idOf({ nodeId: 'b' }), idOf({ heartbeatRevision: 5 }), idOf({ verdict: 'unhealthy' }), idOf({}, 'silent')]
  assert.is(new Set(ids).size, ids.length)
})

health('ingestion is up from its start, and anew after a stall or an absence of the store', async () => {
  const { store, clock } = await world()
  const start = clock.now
  const ingestion = watchIngestion(store, () => clock.now, 1000)
  assert.is(ingestion.upSince(), start)
  for (let n = 0; n < 10; n++) {
    clock.forward(1)
    await ingestion.tick()
  }
  clock.forward(5)
  await ingestion.tick()
  assert.is(ingestion.upSince(), start)

  clock.forward(5.001)
  await ingestion.tick()
  const resumed = clock.now
  assert.is(ingestion.upSince(), resumed)

  store.goAway()
  clock.forward(1)
  await ingestion.tick()
  assert.is(ingestion.upSince(), undefined)
  store.comeBack()
  clock.forward(1)
  await ingestion.tick()
  assert.equal(ingestion.upSince(), clock.now)
})

/** The read model `health-watch` folded from the log whenever it is asked; `stop` keeps it at what it knows. */
function watchOf({ store, network: { policy } }: World): HealthWatch & { stop(): Promise<void>; fail(error?: Error): void } {
  const { evolve } = healthWatch.tables.watchedNodes
  let known: HealthItem[] | undefined
  let failure: Error | undefined
  type Row = Parameters<typeof evolve>[0]

  async function items(): Promise<HealthItem[]> {
    if (failure) throw failure
    if (known) return known
    const rows = new Map<string, Row>()
    let index = 0
    for await (const recorded of store.readAll()) {
      const fact = decode(recorded)
      if (!('nodeId' in fact.data)) continue
      const { nodeId } = fact.data
      rows.set(
        nodeId,
        evolve(rows.get(nodeId) ?? null, { ...fact, index: index++, policy, newest: fact.metadata.recordedAt }, nodeId),
      )
    }
    return [...rows.values()].filter((row) => row?.verdict && row.status !== 'deregistered') as unknown as HealthItem[]
  }

  return {
    async changed(heardAfter) {
      return (await items()).filter(({ status, verdict, heartbeatAt }) => status !== verdict && new Date(heartbeatAt) > heardAfter)
    },
    async silent(heardAt) {
      return (await items()).filter(({ status, heartbeatAt }) => status !== 'offline' && new Date(heartbeatAt) <= heardAt)
    },
    async stop() {
      known = await items()
    },
    fail(error) {
      failure = error
    },
  }
}

async function stage(over: Partial<HealthRunnerDeps> = {}) {
  const here = await world()
  const start = here.clock.now.getTime()
  const submit = here.instance()
  const watch = watchOf(here)
  const ingestion = watchIngestion(here.store, () => here.clock.now, tickMs)
  const errors: unknown[] = []
  const deps: HealthRunnerDeps = {
    networkId: here.network.networkId,
    policy: () => here.network.policy,
    watch,
    ingestion,
    submit,
    signer: here.health,
    clock: () => here.clock.now,
    sleep: async () => {},
    onError: (error) => errors.push(error),
    ...over,
  }
  const runner = createHealthRunner(deps)
  /** Lets time pass as it does: the ingestion is watched every second, a round is made at the end. */
  const pass = async (seconds: number) => {
    for (let n = 0; n < seconds; n++) {
      here.clock.forward(1)
      await ingestion.tick()
    }
    await runner.round()
  }
  const beat = (node: TestNode, over = {}) =>
    submit(signCommand(node.signer, here.command('RecordHeartbeat', node.id, { vitals: { ...vitals, ...over } })))
  const history = async (node: TestNode) =>
    (await here.events('health', node.id)).map(({ data }) => {
      const { from, to, at } = data as { from: string; to: string; at: string }
      return `${from} → ${to} at ${(Date.parse(at) - start) / 1000}`
    })
  return { ...here, start, submit, watch, ingestion, runner, deps, errors, pass, beat, history }
}

health('follows a node through its life', async () => {
  const { register, submit, pass, beat, history, errors } = await stage()
  const node = someNode()
  await submit(register(node))
  await pass(10)
  assert.equal(await history(node), [])
  await beat(node)
  await pass(60)
  await beat(node, { loadPermille: 100_000 })
  await pass(1)
  await pass(178)
  await pass(5)
  await pass(60)
  await beat(node)
  await pass(1)
  assert.equal(await history(node), [
    'registered → healthy at 10',
    'healthy → unhealthy at 70',
    'unhealthy → offline at 250',
    'offline → healthy at 314',
  ])
  assert.equal(errors, [])
})

health('a read model that lags behind makes no node offline, and sends nothing twice', async () => {
  const { register, submit, pass, beat, history, watch, errors } = await stage()
  const node = someNode()
  await submit(register(node))
  await beat(node)
  await watch.stop()
  for (let n = 0; n < 5; n++) {
    await pass(60)
    await beat(node)
  }
  assert.equal(await history(node), ['registered → healthy at 0'])
  assert.equal(errors, [])
})

health('after a start every node has a full grace', async () => {
  const { register, submit, beat, clock, deps, history, store, pass } = await stage()
  const node = someNode()
  await submit(register(node))
  await beat(node)
  await pass(1)
  clock.forward(3600)
  const ingestion = watchIngestion(store, () => clock.now, tickMs)
  const restarted = createHealthRunner({ ...deps, ingestion })
  await restarted.round()
  for (let n = 0; n < 179; n++) {
    clock.forward(1)
    await ingestion.tick()
  }
  await restarted.round()
  assert.equal(await history(node), ['registered → healthy at 0'])
  clock.forward(2)
  await restarted.round()
  assert.equal(await history(node), ['registered → healthy at 0', `healthy → offline at ${3601 + 180}`])
})

health('after a stall, or an absence of the store, every node has a full grace', async () => {
  for (const absence of ['stall', 'store'] as const) {
    const { register, submit, beat, clock, start, history, store, ingestion, runner, pass } = await stage()
    const node = someNode()
    await submit(register(node))
    await beat(node)
    await pass(100)
    if (absence === 'store') {
      store.goAway()
      await ingestion.tick()
      await runner.round()
      store.comeBack()
    } else clock.forward(300)
    await ingestion.tick()
    const up = ingestion.upSince()!.getTime()
    await pass(179)
    assert.is((await history(node)).length, 1, absence)
    await pass(2)
    assert.is((await history(node))[1], `healthy → offline at ${(up - start) / 1000 + 180}`)
  }
})

health('with the read model away it waits, and an offline transition bears its deadline', async () => {
  const { register, submit, beat, clock, history, ingestion, runner, watch, pass } = await stage()
  const node = someNode()
  await submit(register(node))
  await beat(node)
  await pass(1)
  watch.fail(new Error('Postgres is away'))
  for (let n = 0; n < 1000; n++) {
    clock.forward(1)
    await ingestion.tick()
  }
  assert.is(await runner.round().then(String, String), 'Error: Postgres is away')
  watch.fail()
  await runner.round()
  assert.equal(await history(node), ['registered → healthy at 0', 'healthy → offline at 180'])
})

health('a node that left while the read model did not see it is let go without alarm', async () => {
  const { register, submit, beat, command, runner, watch, history, errors } = await stage()
  const node = someNode()
  await submit(register(node))
  await beat(node)
  await watch.stop()
  await submit(signCommand(node.signer, command('DeregisterNode', node.id, {})))
  await runner.round()
  assert.equal([await history(node), errors], [[], []])
})

health('one command that fails leaves its item open and the others alone', async () => {
  const inner = await stage()
  const [broken, node] = [someNode(), someNode()]
  const { register, submit, beat, history } = inner
  for (const each of [broken, node]) {
    await submit(register(each))
    await beat(each)
  }
  const errors: unknown[] = []
  let failing = true
  const runner = createHealthRunner({
    ...inner.deps,
    onError: (error) => errors.push(error),
    async submit(envelope, context) {
      const { command } = envelope as { command: { subject: string } }
      if (failing && command.subject === broken.id) throw new Error('broken')
      return submit(envelope, context)
    },
  })
  await runner.round()
  assert.equal([(await history(broken)).length, (await history(node)).length, errors.map(String)], [0, 1, ['Error: broken']])
  failing = false
  await runner.round()
  assert.is((await history(broken)).length, 1)
})

health('a store that is away ends the round', async () => {
  const { watch, deps } = await stage()
  const runner = createHealthRunner({
    ...deps,
    watch: { ...watch, changed: async () => [item({ status: 'registered' })] },
    submit: async () => {
      throw new StoreUnavailable('away')
    },
  })
  assert.is(await runner.round().then(String, ({ name }) => name), 'StoreUnavailable')
})

health('runs until it is stopped: rounds at each tick, sooner when the read model moved, whatever goes wrong', async () => {
  const stop = new AbortController()
  let slept = 0
  let rounds = 0
  const roundsAt: number[] = []
  const { runner, errors } = await stage({
    watch: {
      async changed() {
        rounds += 1
        roundsAt.push(slept)
        if (rounds === 2) throw new Error('Postgres is away')
        if (rounds === 4) runner.moved()
        if (rounds === 6) stop.abort()
        return []
      },
      silent: async () => [],
    },
    sleep: async (ms) => {
      if (ms < tickMs) slept += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  })
  await runner.run(stop.signal)
  assert.equal(roundsAt, [0, 1000, 2000, 3000, 3100, 4100])
  assert.equal(errors.map(String), ['Error: Postgres is away'])
})

health.run()
