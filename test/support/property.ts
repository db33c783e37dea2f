import fc from 'fast-check'
import { isLong, seed } from './random.ts'

const factor = isLong ? 100 : 1

/** Holds a property to `runs` random cases, a hundred times as many with SCALE=long; a failure prints the seed, and SEED repeats it. */
export function property<Case>(property: fc.IRawProperty<Case>, runs = 200): void | Promise<void> {
  return fc.assert(property, { seed, numRuns: runs * factor })
}
