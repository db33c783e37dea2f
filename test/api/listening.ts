// Listeners of the live feeds, as plain as they can be: what they hear is what came over the wire.
import WebSocket from 'ws'

/** A message as it was heard: its id, and the CloudEvent. */
export interface Message {
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any event
  readonly event: any
}

export interface Listener {
  readonly messages: Message[]
  /** Ids without data: keep-alives. */
  readonly alive: string[]
  /** Resolves when `messages` has so many. Rejects when the feed ended before. */
  count(wanted: number): Promise<readonly Message[]>
  /** Resolves when the feed has ended by itself. */
  readonly ended: Promise<void>
  close(): void
}

/** What a listener has heard, and who waits for it. */
function heard(close: () => void) {
  const messages: Message[] = []
  const waiting: { readonly wanted: number; resolve(): void; reject(error: Error): void }[] = []
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  let isOver = false
  return {
    listener: {
      messages,
      alive: [] as string[],
      ended,
      close,
      async count(wanted: number) {
        if (messages.length >= wanted) return messages
        if (isOver) throw new Error(`the feed ended after ${messages.length} of ${wanted}`)
        await new Promise<void>((resolve, reject) => waiting.push({ wanted, resolve, reject }))
        return messages
      },
    } satisfies Listener,
    take(message: Message) {
      messages.push(message)
      for (const { wanted, resolve } of waiting) if (messages.length >= wanted) resolve()
    },
    end() {
      isOver = true
      resolve()
      for (const { wanted, reject } of waiting) reject(new Error(`the feed ended after ${messages.length} of ${wanted}`))
    },
  }
}

/** Listens by SSE. Throws when the answer is no feed. */
export async function listenSse(url: string, lastEventId?: string): Promise<Listener> {
  const controller = new AbortController()
  const headers = { accept: 'text/event-stream', ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) }
  const response = await fetch(url, { headers, signal: controller.signal })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const { listener, take, end } = heard(() => controller.abort())
  void (async () => {
    let text = ''
    try {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const blocks = (text + chunk).split('\n\n')
        text = blocks.pop()!
        for (const block of blocks) {
          const id = /^id: (.*)$/m.exec(block)?.[1]
          const data = /^data: (.*)$/m.exec(block)?.[1]
          if (id !== undefined && data !== undefined) take({ id, event: JSON.parse(data) })
          else if (id !== undefined) listener.alive.push(id)
        }
      }
    } catch {
      // It was cut, by us or by the server.
    }
    end()
  })()
  return listener
}

/** Listens by WebSocket. Throws when it is refused. */
export async function listenWebSocket(url: string): Promise<Listener & { readonly closed: Promise<number> }> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'))
  const { listener, take, end } = heard(() => socket.close())
  const { promise: closed, resolve } = Promise.withResolvers<number>()
  socket.on('message', (data, isBinary) => {
    if (isBinary) throw new Error('a binary message')
    const event = JSON.parse(String(data))
    take({ id: event.position, event })
  })
  socket.on('close', (code) => {
    end()
    resolve(code)
  })
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
    socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk) => (body += chunk))
      response.on('end', () => reject(new Error(`${response.statusCode} ${body}`)))
    })
  })
  return { ...listener, closed }
}
