import { Consumer } from '../groups/consumer.ts'
import type { NackAction } from '../groups/delivery.ts'
import { type Group, keyOf } from '../groups/group.ts'
import type { Message } from '../groups/message.ts'
import type { Groups } from '../groups/registry.ts'
import type { Call } from '../grpc/call.ts'
import { accessDenied, handlerThrew } from '../grpc/status.ts'
import type { Log } from '../storage/log.ts'
import type { Store } from '../store.ts'
import { persistent } from '../wire/generated.ts'
import { readVerdict } from '../wire/group-messages.ts'
import { Page } from '../wire/page.ts'
import { onAccessChange } from './access-changes.ts'
import { statusOf } from './group-failures.ts'
import { named } from './group-names.ts'

type Options = InstanceType<typeof persistent.ReadReq.Options>

/** Unknown counts as a retry; `Stop`, and what nobody knows, as done. */
const actions: readonly NackAction[] = ['retry', 'park', 'retry', 'skip', 'skip']

/** `PersistentSubscriptions.Read`: messages of a group go out, what became of them comes back. */
export function readGroup(groups: Groups, store: Store): (call: Call) => void {
  return (call) => {
    let group: Group | undefined
    call.onHalfClose = () => {
      if (!group) throw handlerThrew()
    }
    call.onMessage = (message) => {
      try {
        if (group) judge(group, message)
        else group = connect(groups, store, call, persistent.ReadReq.deserializeBinary(message).getOptions())
      } catch (error) {
        throw statusOf(error)
      }
    }
  }
}

function judge(group: Group, message: Buffer): void {
  const verdict = readVerdict(message)
  if (!verdict) throw handlerThrew()
  if (verdict.kind === 'ack') group.ack(verdict.ids)
  else group.nack(verdict.ids, actions[verdict.action] ?? 'skip', verdict.reason)
}

function connect(groups: Groups, store: Store, call: Call, options: Options | undefined): Group {
  const { access, log } = store
  const { stream, group: name } = named(options)
  access.demand(call.principal, 'read', stream)
  const slots = options!.getBufferSize()
  const uuids = options!.getUuidOption()
  if (slots <= 0 || !uuids) throw handlerThrew()
  const outlet = new Outlet(call, log, new Page(uuids.hasString() ? 'string' : 'structured'), keyOf(stream, name))
  const connectionName = String(call.headers['connection-name'] ?? '<unknown>')
  const consumer = new Consumer({ slots, user: call.principal.name, connectionName, connection: outlet })
  const group = groups.connect(stream, name, consumer)
  const stop = onAccessChange(store, call.principal, stream, () => {
    if (!access.allows(call.principal, 'read', stream)) call.end(accessDenied())
  })
  call.onClose = () => {
    stop()
    group.disconnect(consumer)
  }
  call.onDrain = () => {
    outlet.flows = true
    group.resume()
  }
  return group
}

/** Collects messages for a call: all that come in one turn go out together, and none while the network is behind. */
class Outlet {
  readonly #call: Call
  readonly #log: Log
  readonly #page: Page
  #isWaiting = false
  flows = true

  constructor(call: Call, log: Log, page: Page, key: string) {
    this.#call = call
    this.#log = log
    this.#page = page
    page.confirmation(key)
    this.#later()
  }

  send({ event, link, retries }: Message): void {
    const record = (position: number | undefined) => (position === undefined ? undefined : this.#log.record(position)!)
    this.#page.delivery(record(event), record(link), (link ?? event)!, retries)
    if (this.#page.isFull) this.#flush()
    else this.#later()
  }

  drop(reason: Error): void {
    this.#flush()
    this.#call.fail(statusOf(reason))
  }

  #later(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    queueMicrotask(() => {
      this.#isWaiting = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#page.isEmpty || this.#call.ended) return
    if (!this.#call.write(this.#page.take())) this.flows = false
  }
}
