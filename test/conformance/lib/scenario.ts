// Scenarios: what they are, and the files they are listed in.
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Security } from './connection.ts'
import type { Write } from './streams.ts'
import type { Toolkit } from './toolkit.ts'

/** One small conversation with a server. What it records, a correct server must answer. */
export interface Scenario {
  readonly name: string
  /** Of the protocol's description; `HTTP` for the plain HTTP/1.1 surface. */
  readonly section: string
  readonly needs?: 'tls' | 'insecure'
  /** It changes what others rely on, and so runs after all of them. */
  readonly alone?: boolean
  run(t: Toolkit): Promise<void>
}

/** A scenario with the file it stands in, without `.ts`; `id` is `file/name`. */
export interface Listed extends Scenario {
  readonly file: string
  readonly id: string
}

/** Every file's default export, in the order of the files' names. Throws when two scenarios have one id. */
export async function loadScenarios(directory: string): Promise<Listed[]> {
  const found: Listed[] = []
  for (const entry of (await readdir(directory)).filter((name) => name.endsWith('.ts')).sort()) {
    const { default: listed } = (await import(pathToFileURL(join(directory, entry)).href)) as { default: readonly Scenario[] }
    const file = basename(entry, '.ts')
    for (const scenario of listed) found.push({ ...scenario, file, id: `${file}/${scenario.name}` })
  }
  const ids = found.map(({ id }) => id)
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index)
  if (repeated) throw new Error(`two scenarios are called ${repeated}`)
  return found
}

/** One scenario for both ways to append; the labels tell which. */
export const both = (
  section: string,
  name: string,
  run: (t: Toolkit, write: Write, record: Toolkit['record']) => Promise<void>,
): Scenario => ({
  name,
  section,
  async run(t) {
    for (const [way, write] of Object.entries({ append: t.append, batch: t.batch }))
      await run(t, write, (label, value) => t.record(`${way}: ${label}`, value))
  },
})

export const title = ({ section, id }: Listed): string => `${section} ${id}`

/** In the order of their numbers: 2, 2.1, 3.1, …, 10, HTTP. */
export const bySection = (left: string, right: string): number => left.localeCompare(right, 'en', { numeric: true })

/** Why a scenario cannot run against such a server. */
export function skipReason(scenario: Scenario, security: Security): string | undefined {
  if (scenario.needs === 'tls' && !security.ca) return 'needs a server with TLS'
  if (scenario.needs === 'insecure' && security.ca) return 'needs a server without TLS'
  return undefined
}
