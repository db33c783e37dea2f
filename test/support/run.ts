// Runs test files, each in a process of its own, and counts what uvu does not: a file that ran nothing, a hook that threw, a test
// file that never ends. Last line: `N passed, N failed, N skipped`. Usage: node test/support/run.ts [--coverage] [TEXT in a path]…
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, stripVTControlCharacters } from 'node:util'

interface Result {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const work = join(root, '.test-work')
const long = process.env.SCALE === 'long'
const timeoutMs = long ? 4 * 3_600_000 : 300_000
const seed = process.env.SEED ?? String(Math.floor(Math.random() * 2 ** 31))

/** The tests of the rooms whose coverage is told: to measure those of whole programs takes longer than it says. */
const measured = /^test\/(domain|commands|projections|adapters|api|simulation)\//

/** A third less for each process to begin with, of the programs that tests start, too. With it, what is covered is told less precisely. */
const compiled = { NODE_COMPILE_CACHE: join(work, 'compile-cache') }

/** What is worth telling although it passed: what was skipped, what is not claimed yet, where we differ on purpose. */
const noted = /^(skipped: |section |deviation |\d+ deliberate deviations).*$/gm

const { values, positionals } = parseArgs({ allowPositionals: true, options: { coverage: { type: 'boolean', default: false } } })
const running = new Set<ChildProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal)
    process.exit(130)
  })
}

const total = await runAll(await findTests())
const covered = !values.coverage || reportCoverage()
console.log(`seed ${seed}`)
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exit(total.failed === 0 && total.passed > 0 && covered ? 0 : 1)

async function findTests(): Promise<string[]> {
  const found: string[] = []
  for await (const path of glob('test/**/*.test.ts', { cwd: root, exclude: ['test/bench/peers'] }))
    found.push(path.split(sep).join('/'))
  const chosen = found.filter((path) => positionals.length === 0 || positionals.some((text) => path.includes(text)))
  if (chosen.length === 0) throw new Error(`no test file has ${positionals.join(' or ')} in its path`)
  return chosen.sort()
}

async function runAll(files: readonly string[]): Promise<Result> {
  const coverageDirectory = join(work, 'coverage')
  if (values.coverage) rmSync(coverageDirectory, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  const environment = { ...process.env, SEED: seed }
  const results: Result[] = []
  const done = finishedEarlier()
  const queue = files.filter((file) => !done.has(file))
  if (done.size)
    console.log(`${files.length - queue.length} suites of this seed were finished before (.test-work/long-${seed}.json)`)
  for (const file of files) if (done.has(file)) results.push(done.get(file)!)
  const worker = async (): Promise<void> => {
    for (let file = queue.shift(); file; file = queue.shift()) {
      const measures = values.coverage && measured.test(file)
      const result = await runFile(file, { ...environment, ...(measures ? { NODE_V8_COVERAGE: coverageDirectory } : compiled) })
      results.push(result)
      remember(done, file, result)
    }
  }
  // The long counts are measured too: one suite at a time.
  await Promise.all(Array.from({ length: long ? 1 : Math.min(2, availableParallelism()) }, worker))
  const sum = (key: keyof Result) => results.reduce((all, result) => all + result[key], 0)
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') }
}

/** A long run goes on where it was cut off, when it is given the same SEED. */
function finishedEarlier(): Map<string, Result> {
  if (!long) return new Map()
  try {
    return new Map(Object.entries(JSON.parse(readFileSync(join(work, `long-${seed}.json`), 'utf8')) as Record<string, Result>))
  } catch {
    return new Map()
  }
}

function remember(done: Map<string, Result>, file: string, result: Result): void {
  if (!long || result.failed) return
  done.set(file, result)
  writeFileSync(join(work, `long-${seed}.json`), JSON.stringify(Object.fromEntries(done), null, 1))
}

async function runFile(file: string, environment: NodeJS.ProcessEnv): Promise<Result> {
  const started = Date.now()
  const child = spawn(process.execPath, [file], { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  let overdue = false
  const timer = setTimeout(() => {
    overdue = true
    child.kill('SIGKILL')
  }, timeoutMs)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearTimeout(timer)
  running.delete(child)

  const { result, complaint } = judge(stripVTControlCharacters(output), code, overdue)
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  console.log(
    `${result.failed ? 'FAILED ' : ''}${file}: ${result.passed} passed${result.failed ? `, ${result.failed} failed` : ''}${result.skipped ? `, ${result.skipped} skipped` : ''} (${seconds} s)`,
  )
  for (const [line] of output.matchAll(noted)) console.log(`  ${line}`)
  if (result.failed) console.log(`${output.trimEnd()}\n  ${complaint}`)
  return result
}

/** What a file's output says. uvu swallows a throwing hook and says nothing of a file without `.run()`, so its figures must add up. */
function judge(output: string, code: number | null, overdue: boolean): { result: Result; complaint: string } {
  const figure = (name: string) =>
    Number([...output.matchAll(new RegExp(`^\\s*${name}:\\s+(\\d+)$`, 'gm'))].at(-1)?.[1] ?? Number.NaN)
  const [all, passed, skipped] = [figure('Total'), figure('Passed'), figure('Skipped')]
  const broken = (complaint: string, failed = 1) => ({
    result: { passed: passed || 0, failed: Math.max(1, failed), skipped: skipped || 0 },
    complaint,
  })
  if (overdue)
    return broken(
      `no end after ${timeoutMs / 1000} s${Number.isNaN(all) ? '' : ': the tests ended, but something was left open'}`,
      all - passed,
    )
  if (Number.isNaN(all)) return broken(`ended with code ${code} before uvu gave its count`)
  if (all + skipped === 0) return broken('ran no test')
  if (passed < all) return broken(`${all - passed} of ${all} tests failed or did not run`, all - passed)
  if (code !== 0) return broken(`ended with code ${code}`)
  return { result: { passed, failed: 0, skipped }, complaint: '' }
}

/** The lines that the rules of money and history are in must be covered; the other rooms are shown. */
function reportCoverage(): boolean {
  const c8 = join(root, 'node_modules', 'c8', 'bin', 'c8.js')
  const report = (...options: string[]) =>
    spawnSync(process.execPath, [c8, 'report', '--temp-directory', join(work, 'coverage'), '--exclude', 'test/**', ...options], {
      cwd: root,
      stdio: 'inherit',
    }).status === 0
  const rooms = ['domain', 'commands', 'projections'].flatMap((room) => ['--include', `${room}/**`])
  const others = ['adapters', 'api'].flatMap((room) => ['--include', `${room}/**`])
  report('--reporter', 'text-summary', ...others)
  return report(
    '--reporter',
    'text',
    ...rooms,
    '--check-coverage',
    '--lines',
    '90',
    '--functions',
    '0',
    '--branches',
    '0',
    '--statements',
    '0',
  )
}
