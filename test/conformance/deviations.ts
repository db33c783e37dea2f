// Where our event store deliberately answers otherwise than EventStoreDB 24.2.0, because what that answers is plainly wrong.
// The run counts these and holds us to what stands here; one that starts to agree with the real server fails it.
import type { Plain } from './lib/normalise.ts'

export interface Deviation {
  /** The scenario's id, `file/name`. */
  readonly scenario: string
  readonly reason: string
  /** What we answer, by label. Every other label of the scenario must agree with the real server. */
  readonly ours: Readonly<Record<string, Plain>>
}

export const deviations: readonly Deviation[] = [
  {
    scenario: 'where-we-differ/an event refused in a chunk that is not final is answered once',
    reason: 'the real server lets the next chunk open the correlation afresh, and its second answer breaks the client',
    ours: { answers: ['BadRequest'], 'after the final chunk': ['BadRequest'], visible: ['streamNotFound'] },
  },
  {
    scenario: 'where-we-differ/$all: a count of 0 is nothing',
    reason: 'the real server never ends such a read',
    ours: { forwards: { messages: [] }, backwards: { messages: [] } },
  },
  {
    scenario: 'where-we-differ/a filtered read with a window of 0 is refused',
    reason: 'the real server never ends such a read',
    ours: { forwards: 'INVALID_ARGUMENT', backwards: 'INVALID_ARGUMENT' },
  },
  {
    scenario: 'where-we-differ/a checkpoint is a place in the log',
    reason:
      'the real server sends the largest number as a checkpoint when nothing was read yet; a client that goes on from there misses events',
    ours: { 'from the last event': true, 'from the end': true },
  },
  {
    scenario: 'where-we-differ/the checkpoint of a filtered group stays below what is owed',
    reason:
      'the real server counts events that the filter passed over, and its checkpoint can move beyond matching ones that were not delivered: after a restart these never come',
    ours: { 'below the open message': true, 'then beyond all that was passed over': true },
  },
  {
    scenario: 'where-we-differ/a name beyond ASCII in a trailer is percent-encoded',
    reason: 'the real server fails to send such a trailer, and the client sees an unknown error without its cause',
    ours: {
      'wrong revision': {
        code: 'FAILED_PRECONDITION',
        exception: 'wrong-expected-version',
        trailers: { 'stream-name': 'Gr%C3%B6%C3%9Fe#1', 'expected-version': '7', 'actual-version': '0' },
      },
      read: { code: 'FAILED_PRECONDITION', exception: 'stream-deleted', trailers: { 'stream-name': 'Gr%C3%B6%C3%9Fe#1' } },
      append: { code: 'FAILED_PRECONDITION', exception: 'stream-deleted', trailers: { 'stream-name': 'Gr%C3%B6%C3%9Fe#1' } },
    },
  },
]
