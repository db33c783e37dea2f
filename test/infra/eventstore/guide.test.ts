// The guide says what is so.
import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { optionsTable } from '../../../infra/embedded/eventstore/option-list.ts'
import { deviations } from '../../conformance/deviations.ts'

const test = suite("the event store's guide")
const guide = readFileSync(new URL('../../../docs/event-store.md', import.meta.url), 'utf8')

const between = (name: string) =>
  new RegExp(`<!-- ${name}:begin -->\n([\\s\\S]*?)\n?<!-- ${name}:end -->`).exec(guide)?.[1] ?? `there are no marks for ${name}`

test('its table of options is that of the program', () => {
  if (process.platform !== 'linux') return // The default directory is another one.
  assert.is(between('options'), optionsTable())
})

test('it lists every deviation, with its reason', () => {
  const list = deviations.map(({ scenario, reason }) => `* ${scenario.replace(/^[^/]*\//, '')}: ${reason}`)
  assert.is(between('deviations'), list.join('\n'))
})

test.run()
