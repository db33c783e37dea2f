#!/usr/bin/env node
// Asks any EventStoreDB-compatible server and compares with the recorded answers, or records them. See README.md.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { deviations } from './deviations.ts'
import { badDeviations, expectedAnswers, judge, loadAgreement } from './lib/agreement.ts'
import { type Answers, firstDifference, loadAnswers, saveAnswers } from './lib/answers.ts'
import type { Security } from './lib/connection.ts'
import { describe, runAll, runScenario } from './lib/run.ts'
import { bySection, type Listed, loadScenarios, skipReason, title } from './lib/scenario.ts'
import { loadSchema } from './lib/schema.ts'

const { values: options } = parseArgs({
  options: {
    target: { type: 'string', default: '127.0.0.1:2113' },
    tls: { type: 'string' },
    user: { type: 'string', default: 'admin' },
    password: { type: 'string', default: 'changeit' },
    scenarios: { type: 'string', default: join(import.meta.dirname, 'scenarios') },
    answers: { type: 'string' },
    only: { type: 'string', default: '' },
    ours: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '8' },
    timeout: { type: 'string', default: '60000' },
  },
})

const security: Security = options.tls
  ? { ca: readFileSync(options.tls), user: { user: options.user, password: options.password } }
  : {}
const setting = { target: options.target, schema: loadSchema(), security, timeout: Number(options.timeout) }
const jobs = Number(options.jobs)
const answersDirectory = resolve(options.answers ?? join(options.scenarios, '..', 'answers'))
const all = await loadScenarios(resolve(options.scenarios))
const scenarios = all.filter((scenario) => title(scenario).includes(options.only))

const good = options.record ? await record() : await compare()
// What a scenario that was cut off has left open must not keep us.
process.exit(good ? 0 : 1)

async function compare(): Promise<boolean> {
  const agreement = await loadAgreement(answersDirectory, all, options.ours ? deviations : [])
  const tally = { passed: 0, failed: 0, skipped: 0 }
  const sections = new Map<string, { passed: number; all: number }>()
  const skipped = new Map<string, number>()

  await runAll(scenarios, jobs, async (scenario) => {
    const reason =
      skipReason(scenario, security) ?? (expectedAnswers(scenario, agreement) ? undefined : 'there is no recorded answer')
    if (reason) {
      tally.skipped++
      skipped.set(reason, (skipped.get(reason) ?? 0) + 1)
      return
    }
    const wrong = judge(scenario, await runScenario(scenario, setting), agreement)
    const section = sections.get(scenario.section) ?? { passed: 0, all: 0 }
    sections.set(scenario.section, section)
    section.all++
    if (wrong === undefined) {
      tally.passed++
      section.passed++
    } else {
      tally.failed++
      console.log(`differs ${title(scenario)}\n${indented(wrong)}`)
    }
  })

  const bad = badDeviations(agreement, all)
  for (const line of bad) console.log(`no deviation ${line}`)
  for (const [reason, count] of skipped) console.log(`skipped ${count}: ${reason}`)
  for (const [section, { passed, all }] of [...sections].sort(([a], [b]) => bySection(a, b)))
    console.log(`section ${section}: ${passed} of ${all}`)
  if (options.ours) console.log(`${deviations.length} deliberate deviations`)
  console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
  return tally.failed === 0 && tally.passed > 0 && bad.length === 0
}

async function record(): Promise<boolean> {
  const recorded = new Map<string, Answers>()
  let unstable = 0
  await runAll(scenarios, jobs, async (scenario) => {
    const reason = skipReason(scenario, security)
    if (reason) return console.log(`skipped ${scenario.id}: ${reason}`)
    const { records, complaint } = await stableRecords(scenario)
    if (complaint !== undefined) {
      unstable++
      return console.log(`unstable ${scenario.id}\n${indented(complaint)}`)
    }
    recorded.set(scenario.file, { ...recorded.get(scenario.file), [scenario.name]: records })
  })
  for (const [file, answers] of recorded) {
    const merged = Object.entries({ ...(await loadAnswers(answersDirectory, file)), ...answers })
    await saveAnswers(answersDirectory, file, Object.fromEntries(merged.sort(([a], [b]) => (a < b ? -1 : 1))))
  }
  console.log(`${scenarios.length - unstable} recorded, ${unstable} unstable`)
  return unstable === 0
}

// Three runs must agree; what a server answers at random is no answer.
async function stableRecords(scenario: Listed) {
  const first = await runScenario(scenario, setting)
  if (first.failure !== undefined || first.records.length === 0)
    return { records: [], complaint: first.failure ?? 'records nothing' }
  for (let run = 0; run < 2; run++) {
    const again = await runScenario(scenario, setting)
    const difference = firstDifference(first.records, again.records)
    const complaint = again.failure ?? (difference && describe(difference))
    if (complaint !== undefined) return { records: [], complaint }
  }
  return { records: first.records, complaint: undefined }
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, '  ')
}
