import { createInbox, type Msg, type MsgHdrs, type NatsConnection } from 'nats'

/** Publishes into JetStream. All acknowledgements come to one inbox, where the client's own `publish` makes a request with a timer of each message. */
export interface Publisher {
  /**
   * Resolves with the message's sequence when it is stored. Rejects when the server refused it, nobody has such a stream, or no answer
   * came in time: then it may have been stored.
   */
  publish(subject: string, body: Uint8Array, head: MsgHdrs): Promise<number>
}

interface Waiting {
  readonly since: number
  resolve(sequence: number): void
  reject(error: Error): void
}

/** What JetStream answers a publisher (NATS, ADR-1): `PubAck`, or an error. */
interface Acknowledgement {
  readonly seq?: number
  readonly error?: { readonly description?: string }
}

/** What the server answers itself where nobody listens. */
const noResponders = 503

/** Works until the connection is closed; whoever waits then is rejected. */
export function publisher(connection: NatsConnection, timeoutMs: number): Publisher {
  const inbox = createInbox()
  // In the order in which they were sent, so that the first is the oldest.
  const waiting = new Map<string, Waiting>()
  let sent = 0

  function settle(subject: string): Waiting | undefined {
    const found = waiting.get(subject)
    waiting.delete(subject)
    return found
  }

  function answered(message: Msg): void {
    // Nobody waits any more for an answer that came too late.
    const found = settle(message.subject)
    if (!found) return
    if (message.headers?.code === noResponders) return found.reject(new Error('no server has the stream just now'))
    const { seq, error } = message.json<Acknowledgement>()
    if (seq !== undefined && !error) found.resolve(seq)
    else found.reject(new Error(error?.description ?? 'JetStream answered without a sequence'))
  }

  function rejectSent(before: number, error: () => Error): void {
    for (const [subject, { since }] of waiting) {
      if (since >= before) return
      settle(subject)?.reject(error())
    }
  }

  connection.subscribe(`${inbox}.*`, { callback: (error, message) => (error ? undefined : answered(message)) })
  const late = setInterval(() => rejectSent(performance.now() - timeoutMs, () => new Error('no answer in time')), timeoutMs / 4)
  void connection.closed().then(() => {
    clearInterval(late)
    rejectSent(Number.POSITIVE_INFINITY, () => new Error('the connection is closed'))
  })

  return {
    publish(subject, body, head) {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const reply = `${inbox}.${sent++}`
      connection.publish(subject, body, { headers: head, reply })
      waiting.set(reply, { since: performance.now(), resolve, reject })
      return promise
    },
  }
}
