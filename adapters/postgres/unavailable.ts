/** Of the operating system and the resolver: no server there, or no way to it. ENOENT is a socket file that is not there. */
const networkCodes = new Set(
  'ECONNREFUSED ECONNRESET ECONNABORTED ENOENT EPIPE ETIMEDOUT EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN ENOTFOUND EAI_AGAIN'.split(
    ' ',
  ),
)

/** Of pg, which gives these no code: no connection within its limit, or one that ended under a query. */
const clientMessages = [
  'timeout exceeded when trying to connect',
  'timeout expired',
  'Connection terminated',
  'Client was closed and is not queryable',
  'Client has encountered a connection error and is not queryable',
  'Cannot use a pool after calling end on the pool',
]

/**
 * Whether Postgres cannot serve at the moment, through no fault of the query: it is away, starting, recovering, shutting down,
 * or out of connections or memory. The same query may succeed later; the API answers 503.
 * A query that Postgres cancelled because it took too long (57014) is not among them.
 */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.some(isUnavailable)) return true
  if ('code' in error && typeof error.code === 'string') {
    const { code } = error
    // SQLSTATEs: connection exceptions, insufficient resources, and an operator's or a crash's end of the session.
    if (networkCodes.has(code) || /^(08|53)...$/.test(code) || /^57P0[1235]$/.test(code)) return true
  }
  return clientMessages.some((message) => error.message.startsWith(message)) || isUnavailable(error.cause)
}
