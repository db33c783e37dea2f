// The pages as a person sees them: in a real browser, which has nothing but this machine to ask.
import { execFile, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Program, scratch, startProgram, until } from './program.ts'

const browser = suite('browser')
const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0)
const directory = scratch()
let program: Program

/** The page's document after its scripts ran, as HTML. Without the flags the browser would ask its maker's servers. */
async function render(path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    chromium!,
    [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
      ...['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1', '--virtual-time-budget=5000'],
      `--user-data-dir=${join(directory.path, 'browser')}`,
      '--dump-dom',
      new URL(path, program.run.http).href,
    ],
    { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
  )
  return stdout
}

if (chromium) {
  browser.before(async () => {
    program = await startProgram(join(directory.path, 'data'))
  })
  browser.after(async () => {
    await program.stop()
    directory.remove()
  })

  browser('the first page shows this machine as a healthy node', async () => {
    await until('this machine is healthy', async () => (await program.get<string>('/')).body.includes('healthy'))
    assert.match(await render('/'), /<td[^>]*>\s*(<[^>]+>)?healthy/)
  })

  browser('/wallet shows the fund and the ledger, read from the API', async () => {
    assert.match(await render('/wallet'), 'The community fund')
    assert.match(await render('/wallet#ledger'), 'Trial balance')
  })

  browser('/docs shows every operation without asking anybody else', async () => {
    const page = await render('/docs')
    const { paths } = (await program.get<{ paths: Record<string, object> }>('/openapi.json')).body
    for (const path of Object.keys(paths)) assert.ok(page.includes(path), `${path} is not on the page`)
    assert.not.match(page, /(src|href)="https?:\/\/(?!127\.0\.0\.1)/)
  })
} else {
  console.log('skipped: the pages in a browser, for want of chromium')
  browser.skip('the first page shows this machine as a healthy node')
  browser.skip('/wallet shows the fund and the ledger, read from the API')
  browser.skip('/docs shows every operation without asking anybody else')
}

browser.run()
