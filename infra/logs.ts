import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { isUnavailable } from '../adapters/postgres/unavailable.ts'
import type { HttpMetrics } from '../api/deps.ts'
import { StoreUnavailable } from '../commands/ports.ts'
import { ReadModelUnavailable } from '../projections/read.ts'

const standardError = 2

/**
 * The process's log, on standard error: lines for a person on a terminal, JSON elsewhere. Written at once, so that the last words of a
 * process that dies are kept.
 */
export function createLogger(level: string): Logger {
  const out = pino.destination({ fd: standardError, sync: true })
  // A standard error that nobody reads any more is no reason to stop.
  out.on('error', () => {})
  const forTerminal = { write: (line: string) => out.write(forPeople(JSON.parse(line) as Line)) }
  return pino(
    {
      level,
      base: null,
      serializers: { err: briefly },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    isatty(standardError) ? forTerminal : out,
  )
}

/** An engine that is away is no fault of the program: where it was noticed tells nobody anything. */
function briefly(error: Error): object {
  const away = error instanceof StoreUnavailable || error instanceof ReadModelUnavailable || isUnavailable(error)
  return away ? { type: error.name, message: error.message } : pino.stdSerializers.err(error)
}

/** The same metrics, and a line for each request at the level debug. */
export function logged(http: HttpMetrics, log: Logger): HttpMetrics {
  return {
    ...http,
    requested(route, method, status, seconds) {
      http.requested(route, method, status, seconds)
      if (log.isLevelEnabled('debug')) log.debug({ route, method, status, ms: Math.round(seconds * 10_000) / 10 }, 'request')
    },
  }
}

/** For what comes every second while an engine is away: says it twice a minute. */
export function seldom<Argument>(say: (argument: Argument) => void): (argument: Argument) => void {
  let next = 0
  return (argument) => {
    if (performance.now() < next) return
    next = performance.now() + 30_000
    say(argument)
  }
}

interface Line {
  readonly level: string
  readonly time: string
  readonly msg?: string
  readonly err?: { readonly stack?: string; readonly message?: string }
  readonly [field: string]: unknown
}

function forPeople({ level, time, msg = '', err, ...fields }: Line): string {
  const details = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const trouble = err ? `\n  ${(err.stack ?? err.message ?? '').replaceAll('\n', '\n  ')}` : ''
  return `${time.slice(11, 23)} ${level.padEnd(5)} ${msg}${details.join('')}${trouble}\n`
}
