// One gRPC channel and the four kinds of call over plain objects. No call ever rejects: a failure is a value.
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { Client, type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { decode, encode, type Outgoing, type Shape, type Wire } from './codec.ts'
import { failure } from './failure.ts'
import { Inbox } from './inbox.ts'
import type { Schema } from './schema.ts'

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** `ca`: the certificate of a server with TLS, in PEM form. `user` is sent with every call that names nobody else. */
export interface Security {
  readonly ca?: Buffer
  readonly user?: Credentials
}

/** `as` overrides the credentials of the run, null sends none. */
export interface CallOptions {
  readonly as?: Credentials | null | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly deadlineMs?: number | undefined
}

/** `receive` turns a message into what the inbox keeps; undefined leaves it out. */
interface StreamOptions extends CallOptions {
  readonly receive?: (message: Wire) => Wire | undefined
}

interface HttpOptions {
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: string
  readonly as?: Credentials | null
}

/** What came back over HTTP, or `error` when nothing did. */
export interface HttpAnswer {
  readonly status?: number | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly error?: { readonly code: string | undefined }
}

export type Connection = ReturnType<typeof connect>

export function connect(target: string, schema: Schema, { ca, user }: Security = {}) {
  const client = new Client(target, ca ? credentials.createSsl(ca) : credentials.createInsecure(), {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
    'grpc.use_local_subchannel_pool': 1,
  })
  const open = new Set<{ cancel(): void }>()

  // The service may be named without its package.
  function method(service: string, name: string) {
    const found = Object.entries(schema.methods).find(([path]) => `.${path}`.endsWith(`.${service}/${name}`))
    if (!found) throw new Error(`no method ${service}/${name}`)
    return found[1]
  }

  const serialize = (shape: Shape) => (object: Outgoing) => encode(shape, object)
  const deserialize = (shape: Shape) => (bytes: Buffer) => decode(shape, bytes)

  function metadataOf({ metadata = {}, as = user }: CallOptions): Metadata {
    const result = new Metadata()
    if (as) result.set('authorization', basic(as))
    for (const [key, value] of Object.entries(metadata)) result.set(key, value)
    return result
  }

  const callOptions = (deadlineMs: number | undefined) => (deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs })

  function track<Call extends { cancel(): void }>(call: Call): Call {
    open.add(call)
    return call
  }

  // A scenario that was cut off goes on calling for a while; grpc-js throws then, because the channel is closed.
  function answerOf(start: (answered: (error: ServiceError | null, value?: Wire) => void) => { cancel(): void }): Promise<Wire> {
    return new Promise((resolve) => {
      try {
        const call = track(
          start((error, value) => {
            open.delete(call)
            resolve(error ? failure(error) : value)
          }),
        )
      } catch (error) {
        resolve(failure({ code: status.CANCELLED, details: String(error) }))
      }
    })
  }

  function unary(service: string, name: string, object: Outgoing, options: CallOptions = {}): Promise<Wire> {
    const { path, request, response } = method(service, name)
    const limits = callOptions(options.deadlineMs ?? 20_000)
    return answerOf((answered) =>
      client.makeUnaryRequest(path, serialize(request), deserialize(response), object, metadataOf(options), limits, answered),
    )
  }

  /** With `keepOpen` the request is never finished. */
  function clientStream(
    service: string,
    name: string,
    objects: readonly Outgoing[],
    options: CallOptions & { readonly keepOpen?: boolean } = {},
  ): Promise<Wire> {
    const { path, request, response } = method(service, name)
    const limits = callOptions(options.deadlineMs ?? 20_000)
    return answerOf((answered) => {
      const call = client.makeClientStreamRequest(
        path,
        serialize(request),
        deserialize(response),
        metadataOf(options),
        limits,
        answered,
      )
      call.on('error', () => {})
      for (const object of objects) call.write(object)
      if (!options.keepOpen) call.end()
      return call
    })
  }

  function serverStream(service: string, name: string, object: Outgoing, options: StreamOptions = {}) {
    const { path, request, response } = method(service, name)
    const limits = callOptions(options.deadlineMs)
    const call = client.makeServerStreamRequest(
      path,
      serialize(request),
      deserialize(response),
      object,
      metadataOf(options),
      limits,
    )
    return inboxOf(track(call), options)
  }

  function bidi(service: string, name: string, options: StreamOptions = {}) {
    const { path, request, response } = method(service, name)
    const limits = callOptions(options.deadlineMs)
    const call = client.makeBidiStreamRequest(path, serialize(request), deserialize(response), metadataOf(options), limits)
    const inbox = inboxOf(track(call), options)
    return Object.assign(inbox, {
      send: (object: Outgoing): void => {
        if (!inbox.closed) call.write(object)
      },
      end: () => void call.end(),
    })
  }

  function inboxOf(call: ClientReadableStream<Wire>, { receive = (message) => message }: StreamOptions) {
    const inbox = new Inbox()
    call.on('data', (message: Wire) => {
      const kept = receive(message)
      if (kept !== undefined) inbox.push(kept)
    })
    call.on('error', (error: ServiceError) => inbox.close(failure(error)))
    call.on('status', ({ code }) => {
      if (code === status.OK) inbox.close({ ended: true })
    })
    return Object.assign(inbox, {
      cancel: () => call.cancel(),
      pause: () => void call.pause(),
      resume: () => void call.resume(),
    })
  }

  function http(verb: string, path: string, { headers = {}, body, as = user }: HttpOptions = {}): Promise<HttpAnswer> {
    const send = ca ? httpsRequest : httpRequest
    const [host, port] = target.split(':')
    const settings = { host, port, path, method: verb, ca, headers: { ...(as && { authorization: basic(as) }), ...headers } }
    return new Promise((resolve) => {
      const request = send(settings, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () =>
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString('utf8') }),
        )
      })
      request.on('error', ({ code }: NodeJS.ErrnoException) => resolve({ headers: {}, body: '', error: { code } }))
      request.setTimeout(10_000, () => request.destroy())
      request.end(body)
    })
  }

  function close(): void {
    for (const call of open) call.cancel()
    client.close()
  }

  return { unary, clientStream, serverStream, bidi, http, close }
}

const basic = ({ user, password }: Credentials) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
