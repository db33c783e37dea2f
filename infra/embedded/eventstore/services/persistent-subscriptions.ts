import type { Call } from '../grpc/call.ts'
import { code, Status } from '../grpc/status.ts'
import { persistent } from '../wire/generated.ts'

// No group can be made yet, so whoever asks for one is told that it does not exist.

interface Options {
  getGroupName(): string
  getStreamIdentifier(): { getStreamName_asU8(): Uint8Array } | undefined
  getStream?(): { getStreamIdentifier(): { getStreamName_asU8(): Uint8Array } | undefined } | undefined
}

/** Answers each request for a group with `persistent-subscription-does-not-exist`. */
export function unknownGroup(optionsOf: (message: Buffer) => Options | undefined): (call: Call) => void {
  return (call) => {
    call.onMessage = (message) => {
      const options = optionsOf(message)
      const identifier = options?.getStreamIdentifier() ?? options?.getStream?.()?.getStreamIdentifier()
      const stream = identifier ? Buffer.from(identifier.getStreamName_asU8()).toString('utf8') : '$all'
      throw doesNotExist(stream, options?.getGroupName() ?? '')
    }
  }
}

export const groupRequests = {
  Read: (message: Buffer) => persistent.ReadReq.deserializeBinary(message).getOptions(),
  Update: (message: Buffer) => persistent.UpdateReq.deserializeBinary(message).getOptions(),
  Delete: (message: Buffer) => persistent.DeleteReq.deserializeBinary(message).getOptions(),
  GetInfo: (message: Buffer) => persistent.GetInfoReq.deserializeBinary(message).getOptions(),
  ReplayParked: (message: Buffer) => persistent.ReplayParkedReq.deserializeBinary(message).getOptions(),
} satisfies Record<string, (message: Buffer) => Options | undefined>

/** `List`: nothing of all, and of one stream the answer that it has no group. */
export function listGroups(): (call: Call) => void {
  return (call) => {
    call.onMessage = (message) => {
      const one = persistent.ListReq.deserializeBinary(message).getOptions()?.getListForStream()
      if (!one) {
        call.reply(new persistent.ListResp().serializeBinary())
        return
      }
      const stream = one.hasAll() ? '$all' : Buffer.from(one.getStream()?.getStreamName_asU8() ?? []).toString('utf8')
      throw doesNotExist(stream, '')
    }
  }
}

function doesNotExist(stream: string, group: string): Status {
  return new Status(code.notFound, `Subscription group ${group} on stream ${stream} does not exist.`, {
    exception: 'persistent-subscription-does-not-exist',
    'stream-name': stream,
    ...(group !== '' && { 'group-name': group }),
  })
}
