// The to-do list of the settlement process through Postgres says what the fold in memory says, at every step of the way.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalJson, type Json } from '../../domain/canonical.ts'
import { moneyUnderWay, settling } from '../support/settling.ts'
import { closeStages, openStage } from './harness.ts'
import { testLog } from './history.ts'

const test = suite('settlement list')
test.after(closeStages)

for (const batchMax of [1, 7, 1000])
  test(`in batches of ${batchMax}`, async () => {
    const stage = await openStage(testLog())
    const money = await settling({ store: stage.log.store })
    const { settlement, unsweptContributions } = stage.queries
    const running = stage.start({ batchMax })
    await moneyUnderWay(money)

    async function agree(): Promise<readonly number[]> {
      await running.caughtUp()
      const later = new Date(money.clock.now.getTime() + 3_600_000)
      const lists = [
        [await settlement.holds(100), await money.list.holds(100), ['escrowId', 'client', 'step']],
        [await settlement.credits(100), await money.list.credits(100), ['source', 'walletId']],
        [await settlement.due(later, 100), await money.list.due(later, 100), ['escrowId', 'status', 'dueAt']],
      ] as const
      for (const [stored, folded, names] of lists) {
        assert.is(stored.position, folded.position)
        assert.equal(shown(stored.value, names), shown(folded.value, names))
      }
      assert.equal(await unsweptContributions(100), { ...(await money.list.unsweptContributions(100)), generation: 1 })
      const { items, oldestAt } = (await settlement.backlog(later)).value
      const [holds, credits, due] = lists.map(([{ value }]) => value.length) as [number, number, number]
      assert.is(items, holds + due)
      assert.is(oldestAt === null, items === 0)
      return [holds, credits, due, (await unsweptContributions(100)).value.contributions.length]
    }

    assert.equal(await agree(), [3, 5, 2, 1])
    assert.equal((await settlement.due(money.clock.now, 100)).value, [])
    assert.is((await settlement.holds(1)).value.length, 1)
    await money.settle()
    assert.equal(await agree(), [0, 0, 4, 0])
    await running.stop()
    for (const { name, stored, folded } of await stage.verify()) assert.is(stored, folded, name)
  })

function shown(rows: readonly object[], names: readonly string[]): string[] {
  return rows.map((row) => canonicalJson(names.map((name) => (row as Record<string, Json>)[name]!))).sort()
}

test.run()
