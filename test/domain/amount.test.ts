import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { commandAmountMax, commandAmountSchema } from '../../domain/money.ts'

const amount = suite('amount')

amount('a command moves whole, positive units up to a limit; anything else is told, never thrown', () => {
  for (const text of ['1', '100000000', String(commandAmountMax)]) assert.is(commandAmountSchema.parse(text), text)
  for (const wrong of ['', '0', '-1', '01', '1.5', '1e3', ' 1', 'one', '٣', String(commandAmountMax + 1n), '9'.repeat(40), 1, null])
    assert.not.ok(commandAmountSchema.safeParse(wrong).success, String(wrong))
})

amount.run()
