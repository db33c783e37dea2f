import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'

/** One side of a comparison: a round returns its figure. */
export interface Contestant {
  readonly name: string
  /** One measured round. */
  readonly round: () => Promise<number>
}

/** What a ratio was meant to reach. */
export interface Aim {
  readonly of: string
  readonly over: string
  readonly atLeast: number
}

export const rounds = Number(process.env.ROUNDS ?? 5)

/** Runs every contestant once in turn, `rounds` times after one unmeasured round, and prints medians and ratios. Higher figures are better. */
export async function compare(
  title: string,
  unit: string,
  contestants: readonly Contestant[],
  aims: readonly Aim[],
): Promise<Record<string, number>> {
  const figures = new Map<string, number[]>(contestants.map(({ name }) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const { name, round: measure } of contestants) {
      const figure = await measure()
      if (round > 0) figures.get(name)!.push(figure)
    }
  }
  console.log(`\n${title} (${unit}, median of ${rounds} rounds, lowest and highest in brackets)`)
  const medians: Record<string, number> = {}
  for (const [name, measured] of figures) {
    const median = (medians[name] = medianOf(measured))
    console.log(
      `  ${name.padEnd(52)} ${format(median).padStart(10)}  [${format(Math.min(...measured))} … ${format(Math.max(...measured))}]`,
    )
  }
  for (const { of, over, atLeast } of aims) {
    const ratio = medians[of]! / medians[over]!
    console.log(`  ratio ${of} / ${over}: ${ratio.toFixed(2)} (aim ≥ ${atLeast}: ${ratio >= atLeast ? 'reached' : 'missed'})`)
  }
  return medians
}

/** Prints one figure beside its aim; `atMost` for times. */
export function report(
  name: string,
  figure: number,
  unit: string,
  aim?: { readonly atLeast?: number; readonly atMost?: number },
): void {
  const reached = aim && (aim.atLeast === undefined || figure >= aim.atLeast) && (aim.atMost === undefined || figure <= aim.atMost)
  const wanted =
    aim && ` (aim ${aim.atLeast !== undefined ? `≥ ${aim.atLeast}` : `≤ ${aim.atMost}`}: ${reached ? 'reached' : 'missed'})`
  console.log(`  ${name.padEnd(52)} ${format(figure).padStart(10)} ${unit}${wanted ?? ''}`)
}

export function medianOf(figures: readonly number[]): number {
  return quantile(figures, 0.5)
}

/** The figure below which the share `q` of all lie. */
export function quantile(figures: readonly number[], q: number): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN
}

const format = (figure: number) => (figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toFixed(2))

/** Runs `work` `count` times with `callers` at a time and returns how many a second were done. */
export async function rate(
  callers: number,
  count: number,
  work: (index: number, caller: number) => Promise<unknown>,
): Promise<number> {
  let next = 0
  const started = performance.now()
  const caller = async (_: unknown, id: number): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index, id)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return count / ((performance.now() - started) / 1000)
}

/** A count that must be exact, or the figure beside it means nothing. */
export function expectCount(what: string, got: number, expected: number): void {
  if (got !== expected) throw new Error(`${what}: ${got} instead of ${expected}`)
}

/** The machine and the versions that the figures belong to. */
export function printMachine(packages: readonly string[]): void {
  const version = (name: string) => {
    for (const folder of ['node_modules', 'test/bench/peers/node_modules']) {
      try {
        return `${name} ${(JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version}`
      } catch {}
    }
    return `${name} (not installed)`
  }
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  console.log(
    `${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, commit ${commit}`,
  )
  console.log(packages.map(version).join(', '))
}
