// Makes answers of different runs comparable: what differs between two runs of a correct server is replaced, and only that.
//   UUIDs made by the scenario -> id#n, other UUIDs -> uuid#n; run-unique names -> hint#n; log positions -> pos#n by rank;
//   creation times -> 'time' when within an hour of the clock.
import { fromBytes } from './codec.ts'

/** What is left of a recorded value: plain data as JSON has it. */
export type Plain = null | boolean | number | string | undefined | Plain[] | { [name: string]: Plain }

/** The mark that all names of a scenario's run carry, and the UUIDs it made, in order. */
export interface Own {
  readonly run: string
  readonly ids: readonly string[]
}

const uuids = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi
const zeroUuid = '00000000-0000-0000-0000-000000000000'
const positionKeys = new Set(['commitPosition', 'preparePosition', 'position', 'commit', 'prepare'])
const positionText = /^C:(-?\d+)\/P:(-?\d+)$/
const maxUint64 = '18446744073709551615'
const hour = 36_000_000_000n

export function normalise(value: unknown, { run, ids }: Own): Plain {
  const ranks = [...new Set(positionsIn(value))].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const foreign: string[] = []

  const position = (text: string) => (isPosition(text) ? `pos#${ranks.indexOf(text) + 1}` : text)

  const identity = (uuid: string) => {
    if (uuid === zeroUuid) return uuid
    if (ids.includes(uuid)) return `id#${ids.indexOf(uuid) + 1}`
    if (!foreign.includes(uuid)) foreign.push(uuid)
    return `uuid#${foreign.indexOf(uuid) + 1}`
  }

  const text = (string: string) => {
    const [, commit, prepare] = positionText.exec(string) ?? []
    if (commit !== undefined && prepare !== undefined) return `C:${position(commit)}/P:${position(prepare)}`
    return string
      .replaceAll(uuids, identity)
      .replaceAll(new RegExp(`-${run}-(\\d+)`, 'g'), '#$1')
      .replaceAll(run, 'run')
  }

  // `key` is the name of the field that the value, or the list around it, belongs to.
  const walk = (node: unknown, key = ''): Plain => {
    if (typeof node === 'bigint') return walk(String(node), key)
    if (typeof node === 'string') {
      if (positionKeys.has(key)) return position(node)
      return key === 'created' ? time(node) : text(node)
    }
    if (Array.isArray(node)) return node.map((item) => walk(item, key) ?? null)
    if (node instanceof Uint8Array) return walk(fromBytes(Buffer.from(node)))
    if (node === null || typeof node !== 'object') return node as null | undefined | boolean | number
    if ('mostSignificantBits' in node && 'leastSignificantBits' in node) return identity(uuidOfHalves(node))
    const entries = Object.entries(node).filter(([, item]) => item !== undefined)
    return Object.fromEntries(entries.map(([name, item]) => [text(name), walk(item, name)]))
  }
  return walk(value)
}

const isPosition = (text: string) => /^\d+$/.test(text) && text !== '0' && text !== maxUint64

function positionsIn(node: unknown, key = ''): string[] {
  if (typeof node === 'bigint') return positionsIn(String(node), key)
  if (typeof node === 'string') {
    const parts = positionText.exec(node)
    return (parts ? parts.slice(1) : positionKeys.has(key) ? [node] : []).filter(isPosition)
  }
  if (Array.isArray(node)) return node.flatMap((item) => positionsIn(item, key))
  if (node === null || typeof node !== 'object' || node instanceof Uint8Array) return []
  return Object.entries(node).flatMap(([name, item]) => positionsIn(item, name))
}

function time(ticks: string): string {
  const now = BigInt(Date.now()) * 10_000n
  const distance = /^\d+$/.test(ticks) ? BigInt(ticks) - now : hour * 2n
  return distance < hour && distance > -hour ? 'time' : `not now: ${ticks}`
}

function uuidOfHalves(halves: { mostSignificantBits: unknown; leastSignificantBits: unknown }): string {
  const hex = [halves.mostSignificantBits, halves.leastSignificantBits]
    .map((half) => BigInt.asUintN(64, BigInt(half as string | number | bigint)))
    .map((half) => half.toString(16).padStart(16, '0'))
  return hex.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
