import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { posix } from 'node:path'

/** What pages load of our own sources: this, and what it imports. */
const entry = 'api/client.ts'
const root = new URL('..', import.meta.url)
const imports = /^(?:import|export)\b[^'"]*?from '(\.[^']+)'/gm

/**
 * The client as JavaScript, by path (`api/client.ts`): the sources themselves without their types, line for line. Throws when one imports a
 * package, or what no browser has.
 */
export function browserModules(): ReadonlyMap<string, string> {
  const modules = new Map<string, string>()
  const paths = [entry]
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    if (modules.has(path)) continue
    const code = stripped(readFileSync(new URL(path, root), 'utf8'))
    if (/^import\b[^'"]*?from '[^.']/m.test(code)) throw new Error(`${path} imports a package, which no page can load`)
    modules.set(path, code)
    for (const [, imported] of code.matchAll(imports)) paths.push(posix.join(posix.dirname(path), imported!))
  }
  return modules
}

/** Without the warning that Node may still do it otherwise one day: what it does is what tests hold it to. */
function stripped(source: string): string {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = emitWarning
  }
}
