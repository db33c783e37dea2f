// A failure of a call as data: status name, `exception` trailer and the documented trailers.
import { type Metadata, status } from '@grpc/grpc-js'

/** `text` is kept for the reader and never compared. */
export interface Failure {
  readonly error: {
    readonly code: string
    readonly exception?: string
    readonly trailers?: Readonly<Record<string, string | string[]>>
    readonly text: string
  }
}

const trailerNames = [
  'stream-name',
  'group-name',
  'reason',
  'expected-version',
  'actual-version',
  'maximum-append-size',
  'required-metadata-properties',
  'leader-endpoint-host',
  'leader-endpoint-port',
  'login-name',
  'scavenge-id',
]

export const codeName = (code: number): string => status[code] ?? String(code)

export function failure(error: { code: number; details: string; metadata?: Metadata }): Failure {
  const trailers: Record<string, string | string[]> = {}
  for (const name of trailerNames) {
    const [first, ...more] = (error.metadata?.get(name) ?? []).map(String)
    if (first !== undefined) trailers[name] = more.length ? [first, ...more] : first
  }
  const exception = error.metadata?.get('exception')[0]
  return {
    error: {
      code: codeName(error.code),
      ...(exception && { exception: String(exception) }),
      ...(Object.keys(trailers).length && { trailers }),
      text: error.details,
    },
  }
}
