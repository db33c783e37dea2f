// The settlement process over a log in memory: what it does, in which order, and that it does it once.
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { StoreUnavailable, type SubmitCommand } from '../../commands/ports.ts'
import { creditTodo, deadlineTodo, holdTodo, sweepTodos } from '../../commands/processes/settlement.ts'
import { fundId } from '../../domain/fund/decider.ts'
import { committed, keyOf } from '../support/money-world.ts'
import { deposited, moneyUnderWay, result, type Settling, settling } from '../support/settling.ts'

const settlement = suite('settlement process')

const networkId = '11111111-1111-4111-8111-111111111111'
const escrowId = '22222222-2222-4222-8222-222222222222'
const walletId = '33333333-3333-4333-8333-333333333333'
const now = { networkId, now: new Date('2026-01-01T00:00:00.000Z') }
const typesOf = ({ commands }: { readonly commands: readonly { readonly type: string }[] }) => commands.map(({ type }) => type)

settlement('what closes an item, and ids that are the item’s own', () => {
  const hold = (step: 'fund' | 'capture' | 'release') => holdTodo({ escrowId, client: walletId, step }, now)
  assert.equal(
    (['fund', 'capture', 'release'] as const).map((step) => typesOf(hold(step))),
    [['RecordFunding', 'CaptureHold'], ['CaptureHold'], ['ReleaseHold']],
  )
  assert.is(hold('fund').commands[1]!.commandId, hold('capture').commands[0]!.commandId)
  assert.equal(
    hold('fund').commands.map(({ subject, data }) => [subject, data]),
    [
      [escrowId, {}],
      [walletId, { escrowId }],
    ],
  )
  const later = { ...now, now: new Date('2026-01-02T00:00:00.000Z') }
  const due = (dueAt: string) => deadlineTodo({ escrowId, status: 'delivered', dueAt }, now).commands[0]!
  const credit = (leg: string, settling = now) =>
    creditTodo({ source: { kind: 'escrow', escrowId, leg }, walletId }, settling).commands[0]!
  assert.is(credit('provider').commandId, credit('provider', later).commandId)
  const ids = [
    ...hold('fund').commands,
    ...hold('release').commands,
    due('2026-01-01T00:00:00.000Z'),
    due('2026-01-01T00:00:01.000Z'),
    credit('provider'),
    credit('refund'),
  ].map(({ commandId }) => commandId)
  assert.is(new Set(ids).size, ids.length)
})

settlement('a sweep goes from behind the last one to the last contribution', () => {
  assert.equal(sweepTodos({ sweptToIndex: 4, contributions: [] }, now), [])
  const contributions = [
    { index: 7, escrowId, amount: 5n },
    { index: 9, escrowId: walletId, amount: 6n },
  ]
  const [todo] = sweepTodos({ sweptToIndex: 4, contributions }, now)
  const { subject, data } = todo!.commands[0]!
  const listDigest = 'b5f4d1c0'
  assert.equal([subject, { ...data, listDigest }], [fundId, { fromIndex: 5, toIndex: 9, count: 2, amount: '11', listDigest }])
})

async function throughRelease(stage: Settling): Promise<string> {
  const id = await stage.openEscrow()
  await stage.placeHold(id)
  await stage.settle()
  await stage.send(stage.provider, 'StartEscrow', id)
  await stage.deliver(id)
  await stage.release(id)
  return id
}

settlement('takes an escrow from its hold to both balances and the fund', async () => {
  const stage = await settling()
  await throughRelease(stage)
  await stage.settle()
  assert.equal(await stage.story(), [
    'EscrowOpened',
    'HoldPlaced',
    'EscrowFunded',
    'HoldCaptured',
    'EscrowStarted',
    'EscrowDelivered',
    'ResultVerified',
    'EscrowReleased',
    'CreditPosted',
    'ContributionsSwept',
  ])
  assert.equal(await stage.accounts(), {
    fund: 50n,
    'outside:test': -deposited,
    [`wallet:${stage.clientWallet}`]: deposited - 1000n,
    [`wallet:${stage.providerWallet}`]: 950n,
  })
  assert.equal(stage.errors, [])
  assert.equal(await stage.list.open(), { pendingEscrows: [], owedCredits: [], pendingCampaigns: [], airdropMoney: [] })
})

settlement('transfers and spending reach the wallets that they are for', async () => {
  const stage = await settling()
  const { send, client, clientWallet, providerWallet } = stage
  await throughRelease(stage)
  await stage.settle()
  await send(client, 'Transfer', clientWallet, { to: providerWallet, amount: '7' })
  const proposal = {
    to: clientWallet,
    amount: '50',
    category: 'grants',
    purpose: committed('a grant'),
    expiresAt: '2026-03-01T00:00:00.000Z',
  }
  const { commandId: proposalId } = await send(keyOf('steward-1'), 'ProposeSpending', fundId, proposal)
  for (const steward of ['steward-1', 'steward-2']) await send(keyOf(steward), 'ApproveSpending', fundId, { proposalId })
  await stage.settle()
  assert.equal(await stage.accounts(), {
    'outside:test': -deposited,
    [`wallet:${clientWallet}`]: deposited - 1000n - 7n + 50n,
    [`wallet:${providerWallet}`]: 957n,
  })
})

settlement('a hold that came too late is released, whether its escrow expired before it or behind it', async () => {
  for (const seenFirst of ['hold', 'end'] as const) {
    const stage = await settling()
    const { client, clientWallet, provider } = stage
    const id = await stage.openEscrow()
    // This one has seen the escrow open, and for some seconds does not look again.
    const other = stage.instance()
    await other(stage.order(provider, 'PlaceHold', clientWallet, { escrowId: id })).catch(() => {})
    if (seenFirst === 'end') {
      await stage.send(client, 'CancelEscrow', id)
      await stage.settle()
    }
    assert.is((await other(stage.order(client, 'PlaceHold', clientWallet, { escrowId: id }))).outcome, 'accepted')
    if (seenFirst === 'hold') await stage.send(client, 'CancelEscrow', id)
    await stage.settle()
    assert.equal((await stage.story()).slice(-1), ['HoldReleased'])
    assert.is((await stage.accounts())[`wallet:${clientWallet}`], deposited)
    assert.equal((await stage.list.open()).pendingEscrows, [])
  }
})

/** Types of what deadlines made, `seconds` after what `prepare` did. */
async function after(seconds: number, prepare: (stage: Settling, id: string) => Promise<unknown>, options = {}): Promise<string[]> {
  const stage = await settling(options)
  const id = await stage.openEscrow()
  await prepare(stage, id)
  await stage.settle()
  const before = (await stage.story()).length
  stage.clock.forward(seconds)
  await stage.settle()
  assert.equal(stage.errors, [])
  return (await stage.story()).slice(before)
}

const funded = (stage: Settling, id: string) => stage.placeHold(id).then(() => stage.settle())
const started = async (stage: Settling, id: string) => {
  await funded(stage, id)
  await stage.send(stage.provider, 'StartEscrow', id)
}
const delivered = async (stage: Settling, id: string) => {
  await started(stage, id)
  await stage.deliver(id)
}
const disputed = async (stage: Settling, id: string) => {
  await delivered(stage, id)
  await stage.send(stage.client, 'OpenDispute', id, { reason: committed('late') })
}

settlement('each waiting state ends by itself when its time is over, and not before', async () => {
  assert.equal(await after(59, async () => {}), [])
  assert.equal(await after(60, async () => {}), ['EscrowExpired'])
  assert.equal(await after(59, funded), [])
  assert.equal(await after(60, funded), ['EscrowRefunded', 'CreditPosted'])
  assert.equal(await after(60, started), ['EscrowRefunded', 'CreditPosted'])
  assert.equal(await after(60, delivered), ['EscrowReleased', 'CreditPosted', 'ContributionsSwept'])
  assert.equal(await after(60, disputed), ['EscrowResolved', 'CreditPosted', 'CreditPosted', 'ContributionsSwept'])
})

settlement('a state that was entered again has a deadline of its own', async () => {
  const types = await after(59, async (stage, id) => {
    await delivered(stage, id)
    stage.clock.forward(30)
    await stage.send(stage.provider, 'DeliverResult', id, stage.signedResult(stage.provider, id, result.replace(/./, '0')))
  })
  assert.equal(types, [])
})

settlement('a funded escrow whose money is not there yet is not due', async () => {
  const stage = await settling()
  const id = await stage.openEscrow()
  await stage.placeHold(id)
  const settler = keyOf('settlement')
  await stage.send(settler, 'RecordFunding', id)
  stage.clock.forward(61)
  assert.equal((await stage.list.due(stage.clock.now, 10)).value, [])
  await stage.settle()
  assert.equal((await stage.story()).slice(-4), ['EscrowFunded', 'HoldCaptured', 'EscrowRefunded', 'CreditPosted'])
})

settlement('while the read model lags behind nothing is sent twice', async () => {
  const stage = await settling()
  let sent = 0
  const submit = stage.instance()
  const counting: SubmitCommand = (envelope, context) => {
    sent += 1
    return submit(envelope, context)
  }
  const runner = stage.process({ submit: counting })
  const id = await stage.openEscrow()
  await stage.placeHold(id)
  await stage.list.holds(1)
  stage.list.standStill(true)
  for (let n = 0; n < 5; n++) await runner.round()
  assert.is(sent, 2)
  stage.list.standStill(false)
  await stage.settle(runner)
  assert.is(sent, 2)
})

settlement('two processes at once, one of which is behind, do no harm', async () => {
  const stage = await settling()
  const stale = stage.process()
  await throughRelease(stage)
  stage.list.standStill(true)
  await stage.runner.round()
  await stale.round()
  await Promise.all([stale.round(), stage.process().round()])
  stage.list.standStill(false)
  await stage.settle()
  const story = await stage.story()
  assert.is(story.filter((type) => type === 'CreditPosted').length, 1)
  assert.is(story.filter((type) => type === 'ContributionsSwept').length, 1)
  assert.equal(stage.errors, [])
})

const commandTypes = ['RecordFunding', 'CaptureHold', 'ReleaseHold', 'PostCredit', 'PassDeadline', 'SweepContributions']

settlement('a process that dies at any of its steps leaves nothing undone and nothing done twice', async () => {
  /** The books an hour after all that can be under way was, and the events without the order and the ranges of sweeps. */
  async function endOf(point: string | undefined): Promise<unknown> {
    const stage = await settling()
    await moneyUnderWay(stage)
    let isDead = false
    const mortal = stage.process({
      submit: stage.instance(),
      reached(name) {
        isDead ||= name === point
        if (isDead) throw new Error('dead')
      },
    })
    const heir = stage.process()
    await mortal.round()
    await stage.settle(isDead ? heir : mortal)
    stage.clock.forward(3600)
    if (!isDead) await mortal.round()
    assert.is(isDead, point !== undefined, point)
    await stage.settle(heir)
    assert.equal(await stage.list.open(), { pendingEscrows: [], owedCredits: [], pendingCampaigns: [], airdropMoney: [] })
    return [await stage.accounts(), (await stage.story()).filter((type) => type !== 'ContributionsSwept').sort()]
  }

  const undisturbed = await endOf(undefined)
  for (const type of commandTypes)
    for (const when of ['before', 'after']) assert.equal(await endOf(`${when} ${type}`), undisturbed, `${when} ${type}`)
})

settlement('what is refused stays open and is asked again less and less often, the rest goes on', async () => {
  const stage = await settling()
  let asked = 0
  const submit = stage.instance()
  const runner = stage.process({
    submit: async (envelope, context) => {
      const { command } = envelope as { command: { type: string } }
      if (command.type !== 'RecordFunding') return submit(envelope, context)
      asked += 1
      throw new Error('broken')
    },
  })
  await stage.placeHold(await stage.openEscrow())
  await stage.send(stage.client, 'Transfer', stage.clientWallet, { to: stage.providerWallet, amount: '7' })
  for (let n = 0; n < 10; n++) {
    await runner.round()
    stage.clock.forward(0.5)
  }
  assert.is(asked, 5)
  assert.ok((await stage.story()).includes('CreditPosted'))
  assert.ok(stage.errors.length >= 5)
  await stage.settle()
  assert.ok((await stage.story()).includes('HoldCaptured'))
})

settlement('a store that is away ends the round; a lost answer is asked for again', async () => {
  const stage = await settling()
  const submit = stage.instance()
  let away = true
  const runner = stage.process({
    submit: async (envelope, context) => {
      const outcome = await submit(envelope, context)
      if (away) throw new StoreUnavailable('the answer was lost')
      return outcome
    },
  })
  await stage.placeHold(await stage.openEscrow())
  assert.is(await runner.round().then(String, ({ name }) => name), 'StoreUnavailable')
  away = false
  stage.clock.forward(1)
  await stage.settle(runner)
  assert.equal((await stage.story()).slice(-2), ['EscrowFunded', 'HoldCaptured'])
})

settlement('runs until it is stopped, when nothing is under way any more', async () => {
  const stage = await settling()
  const stop = new AbortController()
  const submit = stage.instance()
  let underWay = 0
  const runner = stage.process({
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
    submit: async (envelope, context) => {
      underWay += 1
      const outcome = await submit(envelope, context)
      underWay -= 1
      return outcome
    },
  })
  const running = runner.run(stop.signal)
  await stage.placeHold(await stage.openEscrow())
  runner.moved()
  while (!(await stage.story()).includes('HoldCaptured')) await sleep(5)
  await stage.send(stage.client, 'Transfer', stage.clientWallet, { to: stage.providerWallet, amount: '7' })
  runner.moved()
  stop.abort()
  await running
  assert.is(underWay, 0)
})

settlement.run()
