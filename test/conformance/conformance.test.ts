// Our event store against what a real EventStoreDB answered, over plaintext and over TLS: one test for each scenario of the sections it claims.
// Over TLS the daily run asks only what plaintext cannot be asked; SCALE=long asks all of it again.
// With ESDB_URL the same scenarios also run against that server. SCALE=long tells how much of the other sections agrees already.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedEventStore } from '../../infra/embedded/eventstore/start.ts'
import { testCertificate } from '../support/certificates.ts'
import { claimed, unclaimed } from './claims.ts'
import { deviations } from './deviations.ts'
import { type Agreement, badDeviations, expectedAnswers, judge, loadAgreement } from './lib/agreement.ts'
import { runAll, runScenario, type Setting } from './lib/run.ts'
import { bySection, type Listed, loadScenarios, skipReason, title } from './lib/scenario.ts'
import { loadSchema } from './lib/schema.ts'
import { targetOf } from './lib/target.ts'
import { admin } from './lib/users.ts'

/** Over each of plaintext and TLS: more at a time would only wait for one another. */
const jobs = 4
const schema = loadSchema()
const scenarios = await loadScenarios(join(import.meta.dirname, 'scenarios'))
const answersDirectory = join(import.meta.dirname, 'answers')
const theirs = await loadAgreement(answersDirectory, scenarios)
const ours = await loadAgreement(answersDirectory, scenarios, deviations)

/** What is wrong with each scenario that was run; undefined where nothing is. */
type Verdicts = ReadonlyMap<Listed, string | undefined>

async function verdicts(chosen: readonly Listed[], setting: Setting, agreement: Agreement): Promise<Verdicts> {
  const found = new Map<Listed, string | undefined>()
  await runAll(chosen, jobs, async (scenario) => {
    if (skipReason(scenario, setting.security) || !expectedAnswers(scenario, agreement)) return
    found.set(scenario, judge(scenario, await runScenario(scenario, setting), agreement))
  })
  return found
}

/** One test for each scenario that was run. */
function register(name: string, found: Verdicts): void {
  const tests = suite(name)
  for (const [scenario, wrong] of found)
    tests(title(scenario), () => {
      // Without the stack, which uvu would print: it says nothing of the server.
      if (wrong !== undefined) throw Object.assign(new Error(wrong), { stack: '' })
    })
  tests.run()
}

const ofClaim = scenarios.filter(({ section }) => claimed.has(section))

const certificate = testCertificate()
const options = { directory: undefined, port: 0, startStandardProjections: true }
const plain = await startEmbeddedEventStore(options)
const secure = await startEmbeddedEventStore({ ...options, certificate })
const common = { schema, timeout: 120_000 }
const plaintext: Setting = { ...common, target: `127.0.0.1:${plain.port}`, security: {} }
const tls: Setting = { ...common, target: `localhost:${secure.port}`, security: { ca: Buffer.from(certificate.ca), user: admin } }
const settings = [plaintext, tls]
const isLong = process.env.SCALE === 'long'

let ofEmbedded: readonly [overPlaintext: Verdicts, overTls: Verdicts]
try {
  const overTls = isLong ? ofClaim : unasked(ofClaim, tls)
  ofEmbedded = await Promise.all([verdicts(ofClaim, plaintext, ours), verdicts(overTls, tls, ours)])
  for (const [section, reason] of unclaimed)
    console.log(`section ${section} is not claimed yet: ${await progress(section)} (${reason})`)
} finally {
  await plain.close()
  await secure.close()
}
for (const { scenario, reason } of deviations) console.log(`deviation ${scenario}: ${reason}`)
console.log(`${deviations.length} deliberate deviations`)

async function progress(section: string): Promise<string> {
  const all = scenarios.filter((scenario) => scenario.section === section)
  if (!isLong) return `${all.length} scenarios`
  const found: (string | undefined)[] = []
  for (const setting of settings) found.push(...(await verdicts(unasked(all, setting), setting, ours)).values())
  const agree = found.filter((wrong) => wrong === undefined).length
  return `${agree} of ${all.length} agree already${found.length < all.length ? `, ${all.length - found.length} cannot be asked` : ''}`
}

/** Over TLS only what could not be asked over plaintext. */
function unasked(scenarios: readonly Listed[], setting: Setting): readonly Listed[] {
  return setting === plaintext ? scenarios : scenarios.filter((scenario) => skipReason(scenario, plaintext.security))
}

// Asked before anything is registered: uvu starts as soon as this file waits for something.
const ofServer = process.env.ESDB_URL === undefined ? undefined : await askServer(process.env.ESDB_URL)
async function askServer(connectionString: string): Promise<Verdicts> {
  const { target, security } = targetOf(connectionString)
  return verdicts(ofClaim, { target, schema, security, timeout: 120_000 }, theirs)
}

register('embedded', ofEmbedded[0])
register('embedded, over TLS', ofEmbedded[1])
if (ofServer) register('ESDB_URL', ofServer)

const lists = suite('lists')

lists('every scenario is of a section that is claimed, or said to be not claimed yet', () => {
  const sections = [...new Set(scenarios.map(({ section }) => section))].sort(bySection)
  assert.equal([...claimed, ...unclaimed.keys()].sort(bySection), sections)
})

lists('every scenario of a claimed section can be asked, and there is an answer to compare with', () => {
  const mute = ofClaim.filter(
    (scenario) => settings.every(({ security }) => skipReason(scenario, security)) || !expectedAnswers(scenario, ours),
  )
  assert.equal(mute.map(title), [])
})

lists('every deviation is one', () => {
  assert.equal(badDeviations(ours, scenarios), [])
})

lists.run()
