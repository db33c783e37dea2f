// Runs scenarios against a server, several at a time, and tells where an answer is not the expected one.
import { type Answer, type Difference, firstDifference } from './answers.ts'
import type { Security } from './connection.ts'
import type { Plain } from './normalise.ts'
import type { Listed, Scenario } from './scenario.ts'
import type { Schema } from './schema.ts'
import { toolkit } from './toolkit.ts'

/** A server and how to talk to it; `target` is host:port, `timeout` the longest time for one scenario in milliseconds. */
export interface Setting {
  readonly target: string
  readonly schema: Schema
  readonly security: Security
  readonly timeout: number
}

/** What a scenario recorded; `failure` says why it did not come to its end. */
export interface Result {
  readonly records: readonly Answer[]
  readonly failure?: string
}

/** Never rejects for what the scenario does. */
export async function runScenario(scenario: Scenario, { target, schema, security, timeout }: Setting): Promise<Result> {
  const t = toolkit(target, schema, security)
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeout} ms`)), timeout)
  })
  try {
    await Promise.race([scenario.run(t), overdue])
    return { records: await t.finish() }
  } catch (error) {
    return { records: await t.finish(), failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** So many jobs at a time; scenarios marked `alone` one after the other at the end. */
export async function runAll(scenarios: readonly Listed[], jobs: number, task: (scenario: Listed) => Promise<void>): Promise<void> {
  const queue = scenarios.filter(({ alone }) => !alone)
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await task(next)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  for (const scenario of scenarios.filter(({ alone }) => alone)) await task(scenario)
}

/** What is wrong with an outcome, for a person to read; undefined when nothing is. */
export function complaint(expected: readonly Answer[], { records, failure }: Result): string | undefined {
  const difference = firstDifference(expected, records)
  if (!difference && failure === undefined) return undefined
  return [...(difference ? [describe(difference)] : []), ...(failure?.split('\n').slice(0, 3) ?? [])].join('\n')
}

export const describe = ({ label, path, expected, got }: Difference): string =>
  `${label}${path && ` at ${path}`}\n  expected ${show(expected)}\n  got      ${show(got)}`

function show(value: Plain): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 300 ? `${text.slice(0, 300)}…` : text
}
