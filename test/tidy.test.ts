// The house rules, as an ordinary test: what may import what, what must be pure, what a file may not contain.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rooms, topLevel } from './rooms.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const tracked = spawnSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .stdout.split('\n')
  .filter(Boolean)
const text = (path: string) => readFileSync(join(root, path), 'utf8')
const sources = tracked.filter((path) => path.endsWith('.ts'))
const roomOf = (path: string) => path.split('/')[0]!
const tidy = suite('tidy')

tidy('the top level holds the rooms and the usual root files', () => {
  assert.equal(
    [...new Set(tracked.map(roomOf))].filter((entry) => !topLevel.includes(entry)),
    [],
  )
})

tidy('every import is one that its room may make', () => {
  assert.equal(sources.filter((path) => roomOf(path) in rooms).flatMap(forbiddenImports), [])
})

function forbiddenImports(path: string): string[] {
  const own = roomOf(path)
  const room = rooms[own]!
  const specifiers = [
    ...text(path).matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
  ]
  return specifiers
    .map(([, a, b, c]) => (a ?? b ?? c)!)
    .filter((specifier) => {
      if (specifier.startsWith('node:')) return room.node !== 'any' && !room.node.includes(specifier)
      if (!specifier.startsWith('.'))
        return room.packages !== 'any' && !room.packages.includes(specifier.match(/^(@[^/]+\/)?[^/]+/)![0])
      const target = posix.join(dirname(path), specifier)
      return roomOf(target) !== own && !room.rooms.includes(roomOf(target)) && !room.rooms.includes(target)
    })
    .map((specifier) => `${path} imports ${specifier}`)
}

tidy('domain and projections know no clock, randomness or environment', () => {
  const impure =
    /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\bprocess\.|\brandomUUID\(|\brandomBytes\(|\bperformance\.|\bhrtime\b/
  const found = sources.filter((path) => rooms[roomOf(path)]?.pure).filter((path) => impure.test(withoutComments(text(path))))
  assert.equal(found, [])
})

const withoutComments = (source: string) => source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

tidy('every test file runs its tests', () => {
  assert.equal(
    sources.filter((path) => path.endsWith('.test.ts') && !text(path).includes('.run()')),
    [],
  )
})

tidy('no file only hands on what others export', () => {
  assert.equal(
    sources.filter((path) => path.endsWith('/index.ts')),
    [],
  )
})

tidy('nothing unfinished, switched off or bound to one machine is committed', () => {
  // Put together from parts, so that this file does not find itself.
  const words = [
    'TO' + 'DO',
    'FIX' + 'ME',
    '\\.on' + 'ly\\(',
    '@ts-' + '(ignore|expect-error)',
    '\\bas ' + 'any(?!\\w| \\w)',
    '/wo' + 'rk/',
    'registry\\.' + 'npmjs',
  ]
  const found = new RegExp(words.join('|'))
  const read = tracked.filter(
    (path) => /\.(ts|json|md|css|html|js)$|^\.ci\//.test(path) && !path.startsWith('test/conformance/answers/'),
  )
  assert.equal(
    read.flatMap(
      (path) =>
        found
          .exec(text(path))
          ?.slice(0, 1)
          .map((word) => `${path}: ${word}`) ?? [],
    ),
    [],
  )
})

tidy('the lock file records no download addresses', () => {
  assert.not.match(text('package-lock.json'), '"resolved"')
})

tidy('the README says why each dependency is there', () => {
  const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>
  const readme = text('README.md')
  assert.equal(
    Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !readme.includes(`| \`${name}\` |`)),
    [],
  )
})

tidy('the program is executable, as npx runs it', () => {
  assert.match(spawnSync('git', ['ls-files', '-s', 'infra/main.ts'], { cwd: root, encoding: 'utf8' }).stdout, /^100755 /)
})

tidy('types check', () => {
  assert.is(run('typescript/bin/tsc', '--noEmit'), '')
})

tidy('lint and format are clean', () => {
  assert.is(run('@biomejs/biome/bin/biome', 'check', '--reporter=github', '--colors=off', '.').replace(/^Checked .*\n?/m, ''), '')
})

/** Output of a tool of ours when it is not content, else nothing. */
function run(tool: string, ...options: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', tool), ...options], {
    cwd: root,
    encoding: 'utf8',
  })
  return status === 0 ? '' : `${stdout}${stderr}` || `${tool} ended with ${status}`
}

tidy.run()
