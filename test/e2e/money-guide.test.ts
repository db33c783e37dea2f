// The session of docs/money.md, word for word, against the whole system.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { environment, type Program, scratch, startProgram } from './program.ts'

const guide = suite('the guide to money')
const root = fileURLToPath(new URL('../..', import.meta.url))
const directory = scratch()
const data = join(directory.path, 'data')
let program: Program | undefined

const missing = ['bash', 'curl', 'jq', 'openssl'].filter((tool) => spawnSync(tool, ['--version']).error)

guide.before(async () => {
  if (missing.length) return
  program = await startProgram(data)
})
guide.after(async () => {
  await program?.stop()
  directory.remove()
})

/** The commands of the session, in one script. */
function session(): string {
  const text = readFileSync(join(root, 'docs/money.md'), 'utf8')
  const [, part] = /<!-- session:begin -->([\s\S]*)<!-- session:end -->/.exec(text)!
  return [...part!.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block).join('\n')
}

async function bash(script: string, http: string): Promise<{ code: number; output: string }> {
  // As npx does it, which takes seconds for each call; that it does is tested where npx is.
  writeFileSync(
    join(directory.path, 'npx'),
    `#!/bin/sh\nshift\nexec '${process.execPath}' '${join(root, 'infra/main.ts')}' "$@"\n`,
    { mode: 0o755 },
  )
  const path = `${directory.path}:${process.env.PATH}`
  const own = environment({ DUXNET_DATA: data, DUXNET: http, TMPDIR: directory.path, PATH: path })
  const child = spawn('bash', ['-euo', 'pipefail', '-c', script], { cwd: root, env: own, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const [code] = await once(child, 'close')
  return { code, output }
}

const title = 'it leads from two keys to a released escrow and a contribution to the fund'
async function follow(): Promise<void> {
  const script = session()
  assert.ok(script.length > 1000)
  const { code, output } = await bash(script, program!.run.http!)
  assert.is(code, 0, output)
  assert.match(output, 'every leaf, signature, id, decision and amount')
  const { body: fund } = await program!.get<{ balance: string; contributions: number }>('/v1/fund')
  assert.equal([fund.balance, fund.contributions], ['50000000', 1])
  const { body: balance } = await program!.get<string | { total: string }>('/v1/ledger/trial-balance')
  assert.is((balance as { total: string }).total, '0')
}

if (missing.length) {
  console.log(`skipped: the session of the guide to money, for want of ${missing.join(', ')}`)
  guide.skip(title)
} else guide(title, follow)

guide.run()
