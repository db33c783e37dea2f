import { UsageError } from './command.ts'

/** An option that names an event by its index in the log; undefined where it is not given. Throws `UsageError`. */
export function indexOption(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(String(text))) throw new UsageError(`${option}: '${text}' is no index; the first event's is 0`)
  return Number(text)
}
