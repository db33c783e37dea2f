/** Long counts are for `npm run test:long`. */
export const isLong = process.env.SCALE === 'long'

export const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))

/** A random number in [0, 1) from a seed (mulberry32), the same on every machine. */
export function randomFrom(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let bits = Math.imul(state ^ (state >>> 15), 1 | state)
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
