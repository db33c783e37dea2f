import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import type { CheckedCommand } from '../../commands/check.ts'
import { commandHandler } from '../../commands/command.ts'
import { createHandle } from '../../commands/handle.ts'
import { signCommand } from '../../commands/sign.ts'
import { commandText } from '../../domain/envelope.ts'
import { speaksFor } from '../../domain/node/decider.ts'
import { counted, fateOf, namespace, profile, someNode, type TestNode, type World, world } from './world.ts'

const facts = suite('facts of other streams')

const profileOf = (cores: number) => ({ ...profile, cores })

/** A node takes over the profile of another one, which its sponsor, once it has a profile with many cores, must be there for. */
const copyProfile = (freshness?: 'always' | 'recent') =>
  commandHandler({
    data: z.strictObject({ from: z.string(), sponsor: z.string() }),
    category: 'node',
    ...(freshness && { freshness }),
    needs: ({ data }, own) => ({
      from: { category: 'node', id: data.from },
      sponsor: own && own.profile.cores > 8 ? { category: 'node', id: data.sponsor } : undefined,
    }),
    actor: ({ subject }) => `node:${subject}`,
    decide({ subject, signer, data, facts: { from, sponsor } }, own) {
      speaksFor(subject, own, signer)
      if (sponsor) speaksFor(data.sponsor, sponsor.state, sponsor.state?.publicKey ?? '')
      const { profile } = speaksFor(data.from, from.state, from.state?.publicKey ?? '')
      return [{ type: 'NodeUpdated', data: { nodeId: subject, profile } }]
    },
  })

function commandOf(here: World, node: TestNode, from: string, sponsor: string, freshness?: 'always' | 'recent'): CheckedCommand {
  const command = here.command('CopyProfile', node.id, { from, sponsor })
  const { publicKey, signature } = signCommand(node.signer, command)
  return {
    networkId: here.network.networkId,
    subject: node.id,
    data: command.data,
    commandId: command.commandId,
    issuedAt: command.issuedAt,
    signer: publicKey,
    handler: copyProfile(freshness),
    type: command.type,
    signature,
    text: commandText(command),
    proven: false,
  }
}

async function two() {
  const here = await world()
  const [node, other] = [someNode(), someNode()]
  const store = counted(here.store)
  const handle = createHandle({ store, namespace, networkId: here.network.networkId, clock: () => here.clock.now })
  const elsewhere = here.instance()
  const update = (node: TestNode, cores: number) =>
    elsewhere(signCommand(node.signer, here.command('UpdateNode', node.id, { profile: profileOf(cores) })))
  await elsewhere(here.register(node))
  await elsewhere(here.register(other))
  return { here, node, other, store, update, send: (command: CheckedCommand) => handle(command, {}) }
}

facts('are recorded by name, each with its stream and revision, and only those that are needed', async () => {
  const { here, node, other, update, send } = await two()
  await update(other, 4)
  await send(commandOf(here, node, other.id, 'nobody'))
  const { metadata } = (await here.events('node', node.id)).at(-1)!
  assert.equal(metadata.facts, {
    now: here.clock.now.toISOString(),
    network: { stream: `dux_network-${here.network.networkId}`, revision: 0 },
    from: { stream: `dux_node-${other.id}`, revision: 1 },
  })
})

facts('the own state says which are needed, and one that is not there is a fact too', async () => {
  const { here, node, other, update, send } = await two()
  await update(node, 16)
  await update(other, 4)
  assert.is(await fateOf(send(commandOf(here, node, other.id, 'nobody'))), 'NodeNotRegistered')
  assert.is(await fateOf(send(commandOf(here, node, other.id, other.id))), 'accepted')
  const { metadata } = (await here.events('node', node.id)).at(-1)!
  assert.equal(metadata.facts!.sponsor, metadata.facts!.from)
  // With four cores it needs no sponsor any more.
  await update(other, 2)
  assert.is(await fateOf(send(commandOf(here, node, other.id, 'nobody'))), 'accepted')
})

facts('one of the own stream is the state that is decided on', async () => {
  const { here, node, update, send } = await two()
  for (let n = 0; n < 3; n++) {
    await update(node, 10 + n)
    assert.is(await fateOf(send(commandOf(here, node, node.id, node.id))), 'accepted')
    assert.is(await copied(here, node), 10 + n)
    const { metadata, revision } = (await here.events('node', node.id)).at(-1)!
    assert.equal(metadata.facts!.from, { stream: `dux_node-${node.id}`, revision: revision - 1 })
  }
})

facts('decide again when the own stream has gone on and asks for others', async () => {
  const { here, node, other, update, send } = await two()
  assert.is(await fateOf(send(commandOf(here, node, other.id, 'nobody'))), 'accepted')
  await update(node, 16)
  await update(other, 4)
  // In memory the node still has eight cores and the other one as well.
  assert.is(await fateOf(send(commandOf(here, node, other.id, 'nobody'))), 'NodeNotRegistered')
})

const copied = async (here: World, node: TestNode) => {
  const last = (await here.events('node', node.id)).at(-1)!
  return last.type === 'NodeUpdated' && last.data.profile.cores
}

facts('from memory may be old, unless they were to be recent or just read', async () => {
  const { here, node, other, store, update, send } = await two()
  const copiesAfter = async (seconds: number, freshness?: 'always' | 'recent') => {
    here.clock.forward(seconds)
    store.count.reads = 0
    await send(commandOf(here, node, other.id, '', freshness))
    return [await copied(here, node), store.count.reads]
  }
  await update(other, 1)
  assert.equal(await copiesAfter(0), [1, 3])
  await update(other, 2)
  assert.equal(await copiesAfter(100), [1, 0])
  assert.equal(await copiesAfter(0, 'recent'), [2, 2])
  await update(other, 3)
  assert.equal(await copiesAfter(5, 'recent'), [2, 0])
  assert.equal(await copiesAfter(1, 'recent'), [3, 2])
  await update(other, 4)
  assert.equal(await copiesAfter(0, 'always'), [4, 2])
  // A clock that was set back tells nothing.
  await update(other, 5)
  assert.equal(await copiesAfter(-60, 'recent'), [5, 2])
})

facts('that do not fit into memory are held while they are needed', async () => {
  const { here, node, other, update } = await two()
  await update(node, 16)
  await update(other, 4)
  const { networkId } = here.network
  const handle = createHandle({ store: here.store, namespace, networkId, clock: () => here.clock.now, cacheBytesMax: 1 })
  assert.is(await fateOf(handle(commandOf(here, node, other.id, other.id, 'always'), {})), 'accepted')
})

facts.run()
