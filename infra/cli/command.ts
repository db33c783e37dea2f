import type { ParseArgsConfig } from 'node:util'

/** Exit codes of `duxnet`: done or equal, failed or different, wrong usage, no instance running. */
export const exit = { done: 0, failed: 1, usage: 2, notRunning: 3 } as const

type Options = NonNullable<ParseArgsConfig['options']>

/** What `parseArgs` makes of a command's options: text, a switch, or nothing. */
export type Values = Readonly<Record<string, string | boolean | undefined>>

/** One subcommand: a file of `infra/cli/` exports one as `command`. */
export interface Command {
  /** What `duxnet <name> --help` prints. */
  readonly usage: string
  readonly options: Options
  /** How many arguments that are not options it takes. */
  readonly positionals?: { readonly min: number; readonly max: number }
  /** Resolves to the exit code. Throws `UsageError` and `NotRunning` for what the user can mend. */
  run(values: Values, positionals: readonly string[]): Promise<number>
}

/** The command line, a configuration key or a file's place was wrong: exit 2, the message alone. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** The command needs a running instance and there is none: exit 3, the message alone. */
export class NotRunning extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotRunning'
  }
}

/** Something a person has to know and can mend, such as a port that is taken: exit 1, the message without a stack. */
export class Failure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Failure'
  }
}
