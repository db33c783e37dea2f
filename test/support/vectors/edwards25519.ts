// The curve -x² + y² = 1 + dx²y² over GF(2²⁵⁵-19) in plain BigInt: slow, short, and independent of what it is used to test.

export const p = 2n ** 255n - 19n
/** Order of the base point. */
export const l = 2n ** 252n + 27742317777372353535851937790883648493n

const d = mod(-121665n * inverse(121666n))

export interface Point {
  readonly x: bigint
  readonly y: bigint
}

export const identity: Point = { x: 0n, y: 1n }
export const base: Point = { x: rootOf(mod(4n * inverse(5n)), 0n), y: mod(4n * inverse(5n)) }

export function add(a: Point, b: Point): Point {
  const product = mod(d * a.x * b.x * a.y * b.y)
  return {
    x: mod((a.x * b.y + b.x * a.y) * inverse(1n + product)),
    y: mod((a.y * b.y + a.x * b.x) * inverse(1n - product)),
  }
}

export function multiply(scalar: bigint, point: Point): Point {
  let sum = identity
  for (let [rest, power] = [scalar, point]; rest; rest >>= 1n, power = add(power, power)) if (rest & 1n) sum = add(sum, power)
  return sum
}

export function negate({ x, y }: Point): Point {
  return { x: mod(-x), y }
}

/** The eight points whose order divides 8: multiples of `l` times any point that has a component of order 8. */
export function smallOrderPoints(): Point[] {
  for (let y = 2n; ; y += 1n) {
    const x = squareRoot(xSquared(y))
    if (x === undefined) continue
    const point = multiply(l, { x, y })
    const points = Array.from({ length: 8 }, (_, n) => multiply(BigInt(n), point))
    if (new Set(points.map(({ x, y }) => `${x} ${y}`)).size === 8) return points
  }
}

/** Every 32 bytes that decode to `point`, the canonical ones first: y or y + p where that fits, and either sign where x = 0. */
export function encodings({ x, y }: Point): Buffer[] {
  const ys = y + p < 2n ** 255n ? [y, y + p] : [y]
  const signs = x === 0n ? [0n, 1n] : [x & 1n]
  return signs.flatMap((sign) => ys.map((value) => littleEndian(value | (sign << 255n))))
}

export function littleEndian(value: bigint): Buffer {
  return Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse()
}

export function fromLittleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)
}

function mod(value: bigint): bigint {
  const rest = value % p
  return rest < 0n ? rest + p : rest
}

function power(value: bigint, exponent: bigint): bigint {
  let result = 1n
  for (let [rest, square] = [exponent, mod(value)]; rest; rest >>= 1n, square = mod(square * square))
    if (rest & 1n) result = mod(result * square)
  return result
}

function inverse(value: bigint): bigint {
  return power(value, p - 2n)
}

function xSquared(y: bigint): bigint {
  return mod((y * y - 1n) * inverse(1n + d * y * y))
}

/** x of the point with this y and sign. */
function rootOf(y: bigint, sign: bigint): bigint {
  const x = squareRoot(xSquared(y))!
  return (x & 1n) === sign ? x : mod(-x)
}

function squareRoot(value: bigint): bigint | undefined {
  const candidate = power(value, (p + 3n) / 8n)
  return [candidate, mod(candidate * power(2n, (p - 1n) / 4n))].find((root) => mod(root * root) === value)
}
