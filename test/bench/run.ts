// npm run bench [NAME…]: every benchmark in a process of its own, one after the other.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const directory = import.meta.dirname
const all = readdirSync(directory)
  .filter((name) => name.endsWith('.bench.ts'))
  .map((name) => name.replace('.bench.ts', ''))
  .sort()
const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !all.includes(name))
if (unknown.length) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${all.join(', ')}`)
  process.exit(2)
}

const peers = join(directory, 'peers')
const { dependencies } = JSON.parse(readFileSync(join(peers, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
if (Object.keys(dependencies).some((name) => !existsSync(join(peers, 'node_modules', name)))) {
  console.log('installing the peers that the benchmarks compare with')
  if (spawnSync('npm', ['ci', '--ignore-scripts'], { cwd: peers, stdio: 'inherit' }).status !== 0) process.exit(1)
}
let failed = 0
for (const name of chosen.length ? chosen : all) {
  console.log(`\n# ${name}`)
  if (spawnSync(process.execPath, [join(directory, `${name}.bench.ts`)], { stdio: 'inherit' }).status !== 0) failed++
}
process.exit(failed ? 1 : 0)
