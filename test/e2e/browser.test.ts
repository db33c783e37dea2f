// The pages as a person sees them: in a real browser, which has nothing but this machine to ask. With SCREENSHOTS=DIR it keeps pictures there.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type TcpProxy, tcpProxy } from '../adapters/tcp-proxy.ts'
import { type Api, newSigner, profile, type ReadSide, startWhole, vitals } from '../api/harness.ts'

interface World {
  readonly api: Api
  readonly readSide: ReadSide
  readonly proxy: TcpProxy
  readonly url: string
  readonly browser: BrowserContext
}

const test = suite<World>('browser')
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => spawnSync(path, ['--version']).status === 0,
)
const profileDirectory = mkdtempSync(join(tmpdir(), 'duxnet-browser-'))
/** What the pages complained of, and whom else they asked. */
const complaints: string[] = []

/** A page of its own, with everything that goes wrong in it written down. */
async function opened({ browser, url }: World, path: string, size = { width: 1200, height: 900 }): Promise<Page> {
  const page = await browser.newPage()
  await page.setViewportSize(size)
  page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`))
  page.on('console', (message) => {
    // A connection that a test cuts is reported as it should be.
    if (message.type() === 'error' && !/net::ERR|Failed to load resource/.test(message.text()))
      complaints.push(`${path}: ${message.text()}`)
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(`${path} asks ${request.url()}`)
  })
  await page.goto(url + path)
  return page
}

async function picture(page: Page, name: string): Promise<void> {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true })
}

async function send(api: Api, ...command: Parameters<Api['sign']>): Promise<string> {
  api.clock.advance(1)
  const reply = await api.post('/v1/commands', api.sign(...command))
  assert.is(reply.status, 201, reply.text)
  return reply.headers.get('duxnet-position')!
}

const profiles = { east: { ...profile, region: 'east-1' }, west: { ...profile, region: 'west-1' } }

async function node(api: Api, region: keyof typeof profiles) {
  const node = newSigner()
  await send(api, node, 'RegisterNode', node.nodeId, { profile: profiles[region] })
  return node
}

async function health(api: Api, nodeId: string, to: string, heartbeatRevision?: number) {
  const at = api.clock.now.toISOString()
  const reasons = to === 'offline' ? ['missed_heartbeats'] : []
  await send(api, api.services.health, 'ChangeHealth', nodeId, {
    to,
    reasons,
    at,
    ...(heartbeatRevision !== undefined && { heartbeatRevision }),
  })
}

/** A node that is healthy after some heartbeats. */
async function healthyNode(api: Api, region: keyof typeof profiles, heartbeats = 1) {
  const made = await node(api, region)
  for (let n = 0; n < heartbeats; n++) {
    api.clock.advance(60)
    await send(api, made, 'RecordHeartbeat', made.nodeId, { vitals: { ...vitals, cpuPermille: (n * 130) % 1000 } })
  }
  await health(api, made.nodeId, 'healthy', heartbeats - 1)
  return { ...made, heartbeats }
}

const rowOf = (page: Page, nodeId: string) => page.locator('#rows tr', { hasText: nodeId })

if (executablePath) {
  test.before(async (context) => {
    const { api, readSide } = await startWhole()
    const proxy = await tcpProxy(api.port)
    const browser = await chromium.launchPersistentContext(profileDirectory, {
      executablePath,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
        ...['--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
      ],
    })
    Object.assign(context, { api, readSide, proxy, browser, url: `http://127.0.0.1:${proxy.port}` })
  })
  test.after(async ({ api, readSide, proxy, browser }) => {
    await browser.close()
    await proxy.close()
    await api.close()
    await readSide.close()
    rmSync(profileDirectory, { recursive: true, force: true })
  })

  test('the nodes are there, filtered and searched, by keyboard alone', async (world) => {
    const { api } = world
    const [east, west] = [await healthyNode(api, 'east', 8), await node(api, 'west')]
    const page = await opened(world, '/')
    await rowOf(page, east.nodeId).getByText('● healthy').waitFor()
    await page.locator('#connection', { hasText: 'live' }).waitFor()
    await page.locator('#count-all', { hasText: /^2$/ }).waitFor()
    await page.keyboard.press('Tab')
    assert.is(await page.evaluate('document.activeElement.className'), 'skip')
    await page.locator('input[value=all]').focus()
    await page.keyboard.press('ArrowRight')
    await rowOf(page, west.nodeId).waitFor({ state: 'detached' })
    assert.is(await page.locator('#rows tr').count(), 1)
    await page.keyboard.press('Tab')
    await page.keyboard.type('west')
    await page.locator('#none').waitFor({ state: 'visible' })
    await page.locator('#search').fill('')
    await page.locator('input[value=all]').focus()
    await page.keyboard.press('Space')
    await picture(page, 'nodes')
    await page.locator(`[data-node="${east.nodeId}"]`).focus()
    await page.keyboard.press('Enter')
    await page.locator('#detail svg.chart').waitFor()
    assert.match(await page.locator('#detail').innerText(), 'Health')
    assert.is(await page.evaluate('document.activeElement.id'), 'detail-title')
    await picture(page, 'node')
    await page.emulateMedia({ colorScheme: 'dark' })
    await picture(page, 'node-dark')
    await page.close()
  })

  test('a node that goes offline is shown so by itself, and so are its events', async (world) => {
    const { api } = world
    const { nodeId, heartbeats } = await healthyNode(api, 'east')
    const page = await opened(world, '/')
    await rowOf(page, nodeId).getByText('healthy').waitFor()
    await page.locator('#connection', { hasText: 'live' }).waitFor()
    await health(api, nodeId, 'offline', heartbeats - 1)
    await rowOf(page, nodeId).getByText('■ offline').waitFor()
    await page.locator('#events li', { hasText: 'healthy → offline' }).first().waitFor()
    const fresh = await healthyNode(api, 'west')
    await rowOf(page, fresh.nodeId).getByText('healthy').waitFor()
    await page.close()
  })

  test('when the feed breaks the page says so, and is right again by itself when it is back', async (world) => {
    const { api, proxy } = world
    const { nodeId, heartbeats } = await healthyNode(api, 'east')
    const page = await opened(world, '/')
    await rowOf(page, nodeId).getByText('healthy').waitFor()
    await page.locator('#connection', { hasText: 'live' }).waitFor()
    await proxy.refuse()
    await page.locator('#connection', { hasText: 'not connected' }).waitFor()
    await health(api, nodeId, 'offline', heartbeats - 1)
    await proxy.listen()
    await rowOf(page, nodeId).getByText('■ offline').waitFor()
    await page.locator('#connection', { hasText: 'live' }).waitFor()
    await page.close()
  })

  test('on a phone nothing is wider than the screen', async (world) => {
    for (const path of ['/', '/wallet', '/airdrop', '/docs', '/problems']) {
      const page = await opened(world, path, { width: 320, height: 640 })
      const wide = await page.evaluate('document.documentElement.scrollWidth')
      assert.is(wide, 320, path)
      if (path === '/') await picture(page, 'phone')
      await page.close()
    }
  })

  test('/wallet shows the fund and the ledger, read from the API', async (world) => {
    const page = await opened(world, '/wallet')
    await page.getByText('The community fund').first().waitFor()
    await page.goto(`${world.url}/wallet#ledger`)
    await page.getByText('Trial balance').waitFor()
    await picture(page, 'wallet')
    await page.close()
  })

  test('a key made in the page opens a wallet, gets test money, pays, and sees each figure explained', async (world) => {
    const page = await opened(world, '/wallet')
    await page.locator('#signing summary').click()
    await page.locator('#keep').check()
    await page.locator('#make').click()
    await page.locator('#signer', { hasText: 'Signs as' }).waitFor()
    assert.match((await page.locator('#backup-link').getAttribute('href')) ?? '', 'duxnet-key-v1')
    const act = async (type: string, values: Readonly<Record<string, string>>) => {
      await page.locator('#act').selectOption(type)
      for (const [name, value] of Object.entries(values)) await page.locator(`#field-${name}`).fill(value)
      await page.locator('#sign').click()
    }
    const idShown = async () => {
      await page.waitForURL(/#wallet\//)
      return page.url().split('#wallet/')[1]!
    }
    await act('OpenWallet', {})
    const first = await idShown()
    await act('IssueTestDeposit', { wallet: first, amount: '12.5' })
    await page.locator('#view').getByText('12.5 FLOP').first().waitFor()
    await page.evaluate("location.hash = 'wallets'")
    await act('OpenWallet', {})
    await page.waitForURL(({ hash }) => hash.startsWith('#wallet/') && !hash.endsWith(first))
    const second = await idShown()
    await page.evaluate(`location.hash = 'wallet/${first}'`)
    await act('Transfer', { wallet: first, to: second, amount: '2.5' })
    await page.locator('#view').getByText('10 FLOP').first().waitFor()
    await page.locator('#view').getByText('TransferSent').first().waitFor()
    await page.getByText('Why the balance is what it is').waitFor()
    await act('Transfer', { wallet: first, to: second, amount: '99' })
    await page.locator('#answer.offline', { hasText: 'FundsInsufficient' }).waitFor()
    await picture(page, 'my-wallet')
    await page.reload()
    await page.locator('#signer', { hasText: 'Signs as' }).waitFor({ state: 'attached' })
    await page.locator('#signing summary').click()
    await page.getByText('my wallets').click()
    await page.locator('#view').getByText('My wallets').waitFor()
    assert.is(await page.locator('#view tr').count(), 3)
    await page.locator('#forget').click()
    await page.reload()
    assert.match((await page.locator('#signer').textContent()) ?? '', 'Nobody signs here')
    await page.close()
  })

  test('/docs shows every operation', async (world) => {
    const page = await opened(world, '/docs')
    const text = await page.content()
    const { paths } = (await world.api.get('/openapi.json')).body
    for (const path of Object.keys(paths)) assert.ok(text.includes(path), `${path} is not on the page`)
    await page.close()
  })

  test('no page complained, and none asked anybody else', () => {
    assert.equal(complaints, [])
  })
} else {
  console.log('skipped: the pages in a browser, for want of chromium')
  test.skip('the pages')
}

test.run()
