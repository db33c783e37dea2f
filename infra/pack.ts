// `npm pack` publishes the client as JavaScript with its types (`prepack`): Node strips no types inside node_modules.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'dist')
const tsc = join(root, 'node_modules/typescript/bin/tsc')

rmSync(out, { recursive: true, force: true })
const { compilerOptions } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))
const { target, module, moduleResolution } = compilerOptions
const options = { target, module, moduleResolution, types: 'node', rootDir: root, outDir: out, lib: compilerOptions.lib.join() }
const switches = [
  'strict',
  'exactOptionalPropertyTypes',
  'skipLibCheck',
  'verbatimModuleSyntax',
  'declaration',
  'rewriteRelativeImportExtensions',
]
const flags = [...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]), ...switches.map((name) => `--${name}`)]
const { status } = spawnSync(process.execPath, [tsc, '--ignoreConfig', join(root, 'api/client.ts'), ...flags], { stdio: 'inherit' })
// The compiler leaves the sources' names in declarations.
for (const name of readdirSync(out, { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue
  const path = join(out, name)
  writeFileSync(path, readFileSync(path, 'utf8').replaceAll(/(from '\.[^']*|import\("\.[^"]*)\.ts(['"])/g, '$1.js$2'))
}
process.exitCode = status ?? 1
