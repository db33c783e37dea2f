import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type VersionedMap, versionedMap } from '../../domain/versioned-map.ts'
import { property } from '../support/property.ts'

const maps = suite('versioned map')

/** A version to go on from, counted from the newest and the oldest in turn, a key and its value. */
const step = fc.record({
  newest: fc.boolean(),
  back: fc.nat(3),
  key: fc.constantFrom('a', 'b', 'c', 'd', '__proto__'),
  value: fc.nat(),
})

maps('each version is and stays what a copied Map would be, whichever others are made of it', () =>
  property(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const versions: [VersionedMap<number>, Map<string, number>][] = [[versionedMap(), new Map()]]
      for (const { newest, back, key, value } of steps) {
        const at = Math.min(back, versions.length - 1)
        const [map, copy] = versions.at(newest ? -1 - at : at)!
        versions.push([map.with(key, value), new Map(copy).set(key, value)])
      }
      for (const [map, copy] of versions) {
        assert.is(map.size, copy.size)
        for (const key of ['a', 'b', 'c', 'd', '__proto__', 'never']) assert.is(map.get(key), copy.get(key))
        assert.equal([...map.entries()], [...copy.entries()])
      }
    }),
  ),
)

maps('its entries come in the order in which keys came', () => {
  const map = versionedMap<number>().with('b', 1).with('a', 2).with('b', 3)
  assert.equal(
    [...map.entries()],
    [
      ['b', 3],
      ['a', 2],
    ],
  )
})

maps.run()
