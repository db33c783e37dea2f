// `duxnet demo escrow` against a running program, and where it cannot be done.
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { duxnet, type Program, scratch, startProgram } from './program.ts'

const test = suite('duxnet demo escrow')
const directory = scratch()
const data = join(directory.path, 'data')
let program: Program

test.before(async () => {
  program = await startProgram(data, { DUXNET_ROLES: 'commands,queries,projector,processes' })
})
test.after(async () => {
  await program.kill()
  directory.remove()
})

test('shows every event of an escrow, both balances, the fund and the trial balance', async () => {
  const { code, stdout, stderr } = await duxnet(['demo', 'escrow', '--data', data], {})
  assert.is(code, 0, stdout + stderr)
  const lines = stdout.trimEnd().split('\n')
  assert.equal(
    lines.slice(0, 13).map((line) => line.split(' ')[0]),
    [
      'WalletOpened',
      'WalletOpened',
      'TestDepositIssued',
      'EscrowOpened',
      'HoldPlaced',
      'EscrowFunded',
      'HoldCaptured',
      'EscrowStarted',
      'EscrowDelivered',
      'ResultVerified',
      'EscrowReleased',
      'CreditPosted',
      'ContributionsSwept',
    ],
  )
  assert.equal(lines.slice(12), [
    'ContributionsSwept   the fund holds 20.00000000 FLOP',
    '',
    'client               600.00000000 FLOP',
    'provider             380.00000000 FLOP',
    'trial balance        0 (debits 220000000000, credits 220000000000)',
  ])
})

test('and again at an address: the fund has both contributions', async () => {
  const { code, stdout, stderr } = await duxnet(['demo', 'escrow', '--url', program.run.http!], {})
  assert.is(code, 0, stderr)
  assert.match(stdout, 'the fund holds 40.00000000 FLOP')
  const { body } = await program.get<{ checks: { name: string; ready: boolean; detail: string }[] }>('/readyz?verbose')
  assert.equal(
    body.checks.find(({ name }) => name === 'money'),
    { name: 'money', ready: true, detail: 'no open items' },
  )
})

test('says what is wrong where it cannot be done', async () => {
  const nothing = await duxnet(['demo', 'escrow', '--data', join(directory.path, 'nothing')], {})
  assert.is(nothing.code, 3)
  const nobody = await duxnet(['demo', 'escrow', '--url', 'http://127.0.0.1:1'], {})
  assert.is(nobody.code, 1)
  assert.match(nobody.stderr, 'http://127.0.0.1:1 does not answer')
  for (const wrong of [['demo'], ['demo', 'everything'], ['demo', 'escrow', '--url', 'ftp://here']])
    assert.is((await duxnet(wrong, {})).code, 2, wrong.join(' '))
})

test.run()
