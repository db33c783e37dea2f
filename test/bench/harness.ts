import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'

/** Rounds that count. */
export const rounds = Number(process.env.ROUNDS ?? 5)

/** One side of a comparison. A round returns its figure, or several. */
export interface Contestant<Figure> {
  readonly name: string
  readonly round: () => Promise<Figure>
}

/**
 * Every contestant once in turn, `rounds` times, so that what the machine does meanwhile hits all alike. A round goes before them that
 * does not count, unless a round is so long that it needs none.
 */
export async function interleave<Figure>(
  contestants: readonly Contestant<Figure>[],
  warmUps: 0 | 1 = 1,
): Promise<ReadonlyMap<string, readonly Figure[]>> {
  const figures = new Map<string, Figure[]>(contestants.map(({ name }) => [name, []]))
  for (let round = -warmUps; round < rounds; round++) {
    for (const { name, round: measure } of contestants) {
      const figure = await measure()
      if (round >= 0) figures.get(name)!.push(figure)
    }
  }
  return figures
}

/** One of several figures of each round. */
export function pick<Figure>(
  measured: ReadonlyMap<string, readonly Figure[]>,
  figureOf: (figure: Figure) => number,
): ReadonlyMap<string, readonly number[]> {
  return new Map([...measured].map(([name, figures]) => [name, figures.map(figureOf)]))
}

/** Prints a line for each name and returns the medians. */
export function table(
  title: string,
  unit: string,
  measured: ReadonlyMap<string, readonly number[]>,
): Readonly<Record<string, number>> {
  console.log(`\n${title} (${unit}: median of ${rounds} rounds [lowest … highest])`)
  const medians: Record<string, number> = {}
  for (const [name, figures] of measured) {
    medians[name] = quantile(figures, 0.5)
    console.log(`  ${line(name, medians[name])}  [${format(Math.min(...figures))} … ${format(Math.max(...figures))}]`)
  }
  return medians
}

/** Prints a figure, and its aim as reached or missed. */
export function aim(what: string, figure: number, wanted: { readonly atLeast: number } | { readonly atMost: number }): void {
  const reached = 'atLeast' in wanted ? figure >= wanted.atLeast : figure <= wanted.atMost
  const text = 'atLeast' in wanted ? `≥ ${wanted.atLeast}` : `≤ ${wanted.atMost}`
  console.log(`  ${line(what, figure)}  aim ${text}: ${reached ? 'reached' : 'MISSED'}`)
}

/** Prints a figure that has no aim. */
export function note(what: string, figure: number): void {
  console.log(`  ${line(what, figure)}`)
}

const line = (name: string, figure: number) => `${name.padEnd(68)} ${format(figure).padStart(9)}`
const format = (figure: number) => (figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2))

/** The figure below which the share `q` of all lie. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

/** `callers` at once, each doing `work` `count` times one after the other. Returns how many a second were done. */
export async function rate(callers: number, count: number, work: (caller: number, n: number) => Promise<unknown>): Promise<number> {
  const started = performance.now()
  const calls = async (caller: number) => {
    for (let n = 0; n < count; n++) await work(caller, n)
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => calls(caller)))
  return (callers * count) / ((performance.now() - started) / 1000)
}

/** A count that must be exact, or the figure beside it means nothing. */
export function expectCount(what: string, got: number | bigint | string, expected: number): void {
  if (Number(got) !== expected) throw new Error(`${what}: ${got} instead of ${expected}`)
}

/** A directory that is removed when the process ends. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'duxnet-bench-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  return directory
}

// Ctrl-C: 'exit' comes only when the process ends itself.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** The machine and the versions that the figures belong to, and how busy it is before anything has begun. */
export function printMachine(packages: readonly string[]): void {
  const { model } = cpus()[0]!
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', cwd: import.meta.dirname }).trim()
  console.log(`${cpus().length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, commit ${commit}`)
  console.log(`load average ${loadavg()[0]!.toFixed(2)}; ${packages.map((name) => `${name} ${versionOf(name)}`).join(', ')}`)
}

function versionOf(name: string): string {
  for (const folder of ['../..', 'peers']) {
    try {
      const file = join(import.meta.dirname, folder, 'node_modules', name, 'package.json')
      return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
    } catch {}
  }
  return '(not installed)'
}
