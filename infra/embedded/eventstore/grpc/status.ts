import { CorruptRecord } from '../storage/header.ts'

/** gRPC status codes that this server uses. */
export const code = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  aborted: 10,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  dataLoss: 15,
  unauthenticated: 16,
} as const

/** How a call ends: a gRPC status, free text, and the trailers that clients read (`exception`, `stream-name`, …). */
export class Status extends Error {
  readonly code: number
  readonly trailers: Readonly<Record<string, string>>

  constructor(code: number, message: string, trailers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.code = code
    this.trailers = trailers
  }
}

/** The answer of a request that breaks the protocol; EventStoreDB's own words, which some clients match. */
export const handlerThrew = () => new Status(code.unknown, 'Exception was thrown by handler.')

export const invalidArgument = (message: string) => new Status(code.invalidArgument, message)

export const unimplemented = (what: string) => new Status(code.unimplemented, `${what} is not implemented by this server.`)

export const accessDenied = () => new Status(code.permissionDenied, 'Access Denied', { exception: 'access-denied' })

export const unauthenticated = () => new Status(code.unauthenticated, 'Unauthenticated')

export const streamDeleted = (stream: string) =>
  new Status(code.failedPrecondition, `Event stream '${stream}' is deleted.`, {
    exception: 'stream-deleted',
    'stream-name': stream,
  })

/** What a thrown value says: a Status as it is, a damaged record by its place, anything else as an unknown error that names it. */
export function statusOf(error: unknown): Status {
  if (error instanceof Status) return error
  if (error instanceof CorruptRecord) return new Status(code.dataLoss, error.message)
  return new Status(code.unknown, error instanceof Error ? error.message : String(error))
}

/** Header values carry printable ASCII only: any other text is percent-encoded, `%` included; plain names stay as they are. */
export function headerText(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) && text.trim() === text ? text : percentEncoded(text)
}

/** As `grpc-message` wants it: UTF-8 bytes outside printable ASCII, and `%` itself, as %XX. */
export function percentEncoded(text: string): string {
  let encoded = ''
  for (const byte of Buffer.from(text, 'utf8')) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded.replace(/^ | $/g, '%20')
}
