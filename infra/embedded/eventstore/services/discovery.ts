import type { Call } from '../grpc/call.ts'
import { invalidArgument } from '../grpc/status.ts'
import { type Node, serverVersion } from '../node.ts'
import { features, gossip, shared } from '../wire/generated.ts'

const streams = 'event_store.client.streams.streams'
const subscriptions = 'event_store.client.persistent_subscriptions.persistentsubscriptions'
const groupFeatures = ['stream', 'all']

/** What is listed here is what clients use; a method left out sends some of them to HTTP instead. */
const supported: readonly (readonly [service: string, method: string, features?: readonly string[]])[] = [
  [streams, 'append'],
  [streams, 'batchappend', ['deadline_duration']],
  [streams, 'delete'],
  [streams, 'read', ['position', 'events']],
  [streams, 'tombstone'],
  [subscriptions, 'create', groupFeatures],
  [subscriptions, 'delete', groupFeatures],
  [subscriptions, 'getinfo', groupFeatures],
  [subscriptions, 'list', groupFeatures],
  [subscriptions, 'read', groupFeatures],
  [subscriptions, 'replayparked', groupFeatures],
  [subscriptions, 'restartsubsystem', groupFeatures],
  [subscriptions, 'update', groupFeatures],
  ['event_store.client.projections.projections', 'create', ['track_emitted_streams']],
  ['event_store.client.gossip.gossip', 'read'],
  ['event_store.client.server_features.serverfeatures', 'getsupportedmethods'],
]

/** `ServerFeatures.GetSupportedMethods` */
export function getSupportedMethods(): (call: Call) => void {
  const methods = supported.map(([service, method, listed = []]) =>
    new features.SupportedMethod()
      .setServiceName(service)
      .setMethodName(method)
      .setFeaturesList([...listed]),
  )
  const answer = new features.SupportedMethods().setEventStoreServerVersion(serverVersion).setMethodsList(methods).serializeBinary()
  return (call) => {
    call.onHalfClose = () => call.reply(answer)
  }
}

/** `Gossip.Read`: one living leader. */
export function readGossip(node: Node): (call: Call) => void {
  const instance = new shared.UUID().setString(node.instanceId)
  return (call) => {
    call.onHalfClose = () => {
      const address = node.addressFor(call.authority)
      if (!address) throw invalidArgument(`The authority '${call.authority}' is no address.`)
      const member = new gossip.MemberInfo()
        .setInstanceId(instance)
        .setTimeStamp(`${Date.now()}0000`)
        .setState(gossip.MemberInfo.VNodeState.LEADER)
        .setIsAlive(true)
        .setHttpEndPoint(new gossip.EndPoint().setAddress(address.host).setPort(address.port))
      call.reply(new gossip.ClusterInfo().setMembersList([member]).serializeBinary())
    }
  }
}
