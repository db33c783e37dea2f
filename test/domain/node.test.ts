import { suite } from 'uvu'
import { nodeIdOf } from '../../domain/ids.ts'
import type { NodeCommand } from '../../domain/node/decider.ts'
import { nodeDecider } from '../../domain/node/decider.ts'
import type { NodeEvent, Profile } from '../../domain/node/events.ts'
import { scenario } from '../support/given.ts'

const node = suite('node')
const given = scenario(nodeDecider)

const keyOf = (fill: number) => Buffer.alloc(32, fill).toString('base64url')
const [key, newKey, authority, stranger] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)]
const nodeId = nodeIdOf(key)
const profile: Profile = {
  cores: 8,
  memoryBytes: 16_000_000_000,
  platform: 'linux',
  arch: 'x64',
  version: '1.0.0',
  region: 'eu-west',
  capabilities: ['container', 'cpu'],
}
const larger: Profile = { ...profile, cores: 16 }

const registered: NodeEvent = { type: 'NodeRegistered', data: { nodeId, publicKey: key, profile } }
const updated: NodeEvent = { type: 'NodeUpdated', data: { nodeId, profile: larger } }
const keyChanged: NodeEvent = { type: 'NodeKeyChanged', data: { nodeId, previousKey: key, publicKey: newKey, by: 'node' } }
const deregistered: NodeEvent = { type: 'NodeDeregistered', data: { nodeId } }

const register: NodeCommand = { type: 'RegisterNode', nodeId, signer: key, profile }
const update: NodeCommand = { type: 'UpdateNode', nodeId, signer: key, profile: larger }
const changeKey: NodeCommand = { type: 'ChangeNodeKey', nodeId, signer: key, authority, publicKey: newKey, proven: true }
const deregister: NodeCommand = { type: 'DeregisterNode', nodeId, signer: key }

node('a node registers with the key that its id is made of', () => {
  given().when(register).then(registered)
  given()
    .when({ ...register, nodeId: 'somebody-else' })
    .thenRefused('NodeIdMismatch', { expected: nodeId })
  given()
    .when({ ...register, signer: stranger })
    .thenRefused('NodeIdMismatch')
})

node('registering again changes nothing, and is no way to update', () => {
  given(registered).when(register).thenNothing()
  given(registered)
    .when({ ...register, profile: larger })
    .thenRefused('NodeAlreadyRegistered')
  given(registered, updated)
    .when({ ...register, profile: larger })
    .thenNothing()
  given(registered, keyChanged)
    .when({ ...register, signer: newKey })
    .thenNothing()
})

node('an update replaces the profile, once', () => {
  given(registered).when(update).then(updated)
  given(registered, updated).when(update).thenNothing()
  given(registered)
    .when({ ...update, profile })
    .thenNothing()
})

node('a new key takes over when it is proven', () => {
  given(registered).when(changeKey).then(keyChanged)
  given(registered)
    .when({ ...changeKey, proven: false })
    .thenRefused('NodeKeyProofInvalid', { field: 'command.data.proof' })
  given(registered)
    .when({ ...changeKey, publicKey: key })
    .thenNothing()
  given(registered, keyChanged)
    .when({ ...changeKey, signer: newKey })
    .thenNothing()
  given(registered, keyChanged).when(changeKey).thenRefused('SignerNotAllowed')
  given(registered, keyChanged)
    .when({ ...changeKey, signer: newKey, publicKey: key })
    .then({ type: 'NodeKeyChanged', data: { nodeId, previousKey: newKey, publicKey: key, by: 'node' } })
})

node('the authority recovers a lost key, for a new key that is proven too', () => {
  const recover: NodeCommand = { ...changeKey, signer: authority }
  given(registered)
    .when(recover)
    .then({ type: 'NodeKeyChanged', data: { nodeId, previousKey: key, publicKey: newKey, by: 'authority' } })
  given(registered)
    .when({ ...recover, proven: false })
    .thenRefused('NodeKeyProofInvalid')
  given(registered, keyChanged).when(recover).thenNothing()
  given().when(recover).thenRefused('NodeNotRegistered')
  given(registered, deregistered).when(recover).thenRefused('NodeDeregistered')
})

node('a node deregisters itself', () => {
  given(registered).when(deregister).then(deregistered)
  given(registered, keyChanged)
    .when({ ...deregister, signer: newKey })
    .then(deregistered)
})

for (const command of [register, update, changeKey, deregister]) {
  node(`${command.type} is refused once the node is deregistered`, () => {
    given(registered, deregistered).when(command).thenRefused('NodeDeregistered', { nodeId })
  })

  node(`${command.type} is refused to the old key once a new one took over`, () => {
    given(registered, keyChanged).when(command).thenRefused('SignerNotAllowed')
  })

  node(`${command.type} is refused to anybody but the node`, () => {
    given(registered)
      .when({ ...command, signer: stranger })
      .thenRefused('SignerNotAllowed', { needed: 'node', nodeId })
  })
}

for (const command of [update, changeKey, deregister]) {
  node(`${command.type} is refused before the node is registered`, () => {
    given().when(command).thenRefused('NodeNotRegistered', { nodeId })
  })
}

for (const command of [register, update, deregister]) {
  node(`${command.type} is refused to the authority too`, () => {
    given(registered)
      .when({ ...command, signer: authority })
      .thenRefused('SignerNotAllowed')
  })
}

node.run()
