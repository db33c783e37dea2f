import { parseArgs } from 'node:util'
import { type Command, exit, Failure, NotRunning, UsageError, type Values } from './command.ts'

/** Parses the arguments, runs the command and turns what a person can mend into one line and an exit code. */
export async function runCommand(name: string, command: Command, args: readonly string[]): Promise<number> {
  try {
    const parsed = parse(command, args)
    if (parsed.values.help) {
      process.stdout.write(`${command.usage.trim()}\n`)
      return exit.done
    }
    const { min, max } = command.positionals ?? { min: 0, max: 0 }
    if (parsed.positionals.length < min) throw new UsageError('an argument is missing')
    if (parsed.positionals.length > max) throw new UsageError(`unexpected argument '${parsed.positionals[max]}'`)
    return await command.run(parsed.values, parsed.positionals)
  } catch (error) {
    if (error instanceof UsageError) return complain(`${error.message}\n  duxnet ${name} --help says more`, exit.usage)
    if (error instanceof NotRunning) return complain(error.message, exit.notRunning)
    if (error instanceof Failure) return complain(error.message, exit.failed)
    return complain((error instanceof Error && error.stack) || String(error), exit.failed)
  }

  function complain(message: string, code: number): number {
    process.stderr.write(`duxnet ${name}: ${message}\n`)
    return code
  }
}

function parse(command: Command, args: readonly string[]): { values: Values; positionals: string[] } {
  try {
    const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true }) as {
      values: Values
      positionals: string[]
    }
  } catch (error) {
    // parseArgs explains at length how to pass a positional that looks like an option; its first sentence names the culprit.
    throw new UsageError((error as Error).message.split('. ')[0]!)
  }
}
