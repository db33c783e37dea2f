import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { anonymous, type Principal } from '../security/principal.ts'
import { FrameError, FrameReader, framed } from './frames.ts'
import { code, headerText, percentEncoded, Status, statusOf } from './status.ts'

/** The largest request message; EventStoreDB takes just under 16 MiB. */
const maxMessageBytes = 16 * 1024 * 1024

const responseHeaders = { ':status': 200, 'content-type': 'application/grpc', 'grpc-accept-encoding': 'identity' }

/**
 * One gRPC call on an HTTP/2 stream. A handler sets the three callbacks before it returns, writes framed messages and ends
 * the call once; what comes after the end, from either side, is ignored.
 */
export class Call {
  readonly headers: IncomingHttpHeaders
  /** Who calls; known before a handler sees the call. */
  principal: Principal = anonymous
  readonly #stream: ServerHttp2Stream
  readonly #frames = new FrameReader(maxMessageBytes)
  #ended = false
  #isHeld = false
  #isHalfClosed = false

  /** A request message; the bytes stay valid. */
  onMessage: (message: Buffer) => void = () => {}
  /** The client sent its last message. */
  onHalfClose: () => void = () => {}
  /** The call is over, whoever ended it: whatever works for it can stop. */
  onClose: () => void = () => {}
  /** What was written has been handed to the network after a `write` that answered false. */
  onDrain: () => void = () => {}

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.#stream = stream
    this.headers = headers
    stream.on('error', () => {}) // 'close' follows
    stream.on('close', () => {
      this.#ended = true
      this.onClose()
    })
    stream.on('data', (chunk: Buffer) => this.#received(chunk))
    stream.on('end', () => this.#halfClosed())
    stream.on('drain', () => {
      if (!this.#ended) this.onDrain()
    })
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Where the client reached this server: the authority it dialled, host and port. */
  get authority(): string {
    return String(this.headers[':authority'] ?? this.headers.host ?? '')
  }

  /** Writes bytes that are whole gRPC frames. False: wait for `onDrain` before writing more. */
  write(frames: Buffer): boolean {
    if (this.#ended || this.#stream.destroyed) return true
    if (!this.#stream.headersSent) this.#respond()
    return this.#stream.write(frames)
  }

  /** Refuses longer request messages from now on. */
  limitMessages(bytes: number): void {
    this.#frames.limit = bytes
  }

  /** Lets nothing of the request reach the callbacks until `release`: they are not set yet. */
  hold(): void {
    this.#isHeld = true
    this.#stream.pause()
  }

  release(): void {
    this.#isHeld = false
    this.#stream.resume()
    // A request without a message ends even while its stream is paused.
    if (this.#isHalfClosed) this.#halfClosed()
  }

  /** Leaves further request messages with the client until `resume`. */
  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    this.#stream.resume()
  }

  /** Ends the call with OK, or with the status given. */
  end(status?: Status): void {
    if (this.#ended) return
    this.#ended = true
    if (this.#stream.destroyed) return
    const trailers = trailersOf(status)
    if (!this.#stream.headersSent && status) {
      this.#stream.respond({ ...responseHeaders, ...trailers }, { endStream: true })
    } else {
      if (!this.#stream.headersSent) this.#respond()
      this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(trailers))
      this.#stream.end()
    }
  }

  /** Answers a unary call: one message, then OK. */
  reply(message: Uint8Array): void {
    this.write(framed(message))
    this.end()
  }

  /** Ends the call as a thrown value says. */
  fail(error: unknown): void {
    this.end(statusOf(error))
  }

  #respond(): void {
    this.#stream.respond(responseHeaders, { waitForTrailers: true })
  }

  #received(chunk: Buffer): void {
    if (this.#ended) return
    try {
      this.#frames.push(chunk, (message) => {
        if (!this.#ended) this.onMessage(message)
      })
    } catch (error) {
      if (error instanceof FrameError) this.#broken(error)
      else this.fail(error)
    }
  }

  #broken(error: FrameError): void {
    this.end(new Status(error.tooLarge ? code.resourceExhausted : code.unimplemented, error.message))
  }

  #halfClosed(): void {
    this.#isHalfClosed = true
    if (this.#ended || this.#isHeld) return
    if (this.#frames.incomplete) {
      this.end(new Status(code.internal, 'The request ended within a message.'))
      return
    }
    try {
      this.onHalfClose()
    } catch (error) {
      this.fail(error)
    }
  }
}

function trailersOf(status: Status | undefined): Record<string, string> {
  if (!status) return { 'grpc-status': '0' }
  const trailers: Record<string, string> = { 'grpc-status': String(status.code), 'grpc-message': percentEncoded(status.message) }
  for (const [name, value] of Object.entries(status.trailers)) trailers[name] = headerText(value)
  return trailers
}
