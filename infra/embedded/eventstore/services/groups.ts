import { empty } from '../../../../adapters/eventstore/protobuf.ts'
import { all } from '../groups/place.ts'
import type { Groups } from '../groups/registry.ts'
import type { Call } from '../grpc/call.ts'
import { handlerThrew } from '../grpc/status.ts'
import { persistent } from '../wire/generated.ts'
import { statusOf } from './group-failures.ts'
import { infoMessage } from './group-info.ts'
import { named, nameOf } from './group-names.ts'
import { createRequest, updateRequest } from './group-requests.ts'

// The unary methods of PersistentSubscriptions: one function for each. Reading a group has a file of its own.

type Message = { serializeBinary(): Uint8Array }

export const createGroup = (groups: Groups) =>
  unary(async (message) => {
    await groups.create(createRequest(persistent.CreateReq.deserializeBinary(message).getOptions()))
    return empty
  })

export const updateGroup = (groups: Groups) =>
  unary(async (message) => {
    await groups.update(updateRequest(persistent.UpdateReq.deserializeBinary(message).getOptions()))
    return empty
  })

export const deleteGroup = (groups: Groups) =>
  unary(async (message) => {
    const { stream, group } = named(persistent.DeleteReq.deserializeBinary(message).getOptions())
    await groups.remove(stream, group)
    return empty
  })

export const getGroupInfo = (groups: Groups) =>
  unary((message) => {
    const { stream, group } = named(persistent.GetInfoReq.deserializeBinary(message).getOptions())
    return new persistent.GetInfoResp().setSubscriptionInfo(infoMessage(groups.info(stream, group)))
  })

export const listGroups = (groups: Groups) =>
  unary((message) => {
    const options = persistent.ListReq.deserializeBinary(message).getOptions()
    const one = options?.getListForStream()
    if (!options || (!one && !options.hasListAllSubscriptions())) throw handlerThrew()
    const infos = one ? groups.listOf(one.hasAll() ? all : nameOf(one.getStream())) : groups.list()
    return new persistent.ListResp().setSubscriptionsList(infos.map(infoMessage))
  })

export const replayParked = (groups: Groups) =>
  unary((message) => {
    const options = persistent.ReplayParkedReq.deserializeBinary(message).getOptions()
    const { stream, group } = named(options)
    if (!options!.hasStopAt() && !options!.hasNoLimit()) throw handlerThrew()
    groups.replayParked(stream, group, options!.hasStopAt() ? Number(options!.getStopAt()) : undefined)
    return empty
  })

export const restartGroups = (groups: Groups) =>
  unary(async () => {
    await groups.restart()
    return empty
  })

function unary(answer: (message: Buffer) => Message | Uint8Array | Promise<Message | Uint8Array>): (call: Call) => void {
  return (call) => {
    let isAsked = false
    call.onHalfClose = () => {
      if (!isAsked) throw handlerThrew()
    }
    call.onMessage = async (message) => {
      isAsked = true
      try {
        const answered = await answer(message)
        call.reply(answered instanceof Uint8Array ? answered : answered.serializeBinary())
      } catch (error) {
        call.fail(statusOf(error))
      }
    }
  }
}
