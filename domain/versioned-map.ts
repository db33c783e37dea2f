/**
 * A map that a decider's state can hold: `with` gives a new map and leaves this one as it was, and neither is copied, so that a
 * stream of n events costs n steps and each of its states can be kept. Versions share one table, in which a key's older values stay.
 */
export interface VersionedMap<V> {
  readonly size: number
  get(key: string): V | undefined
  with(key: string, value: V): VersionedMap<V>
  /** In the order in which keys came. */
  entries(): IterableIterator<readonly [key: string, value: V]>
}

/** A value with the version that brought it, and the one before. */
interface Cell<V> {
  readonly version: number
  readonly value: V
  readonly before: Cell<V> | undefined
}

interface Table<V> {
  readonly cells: Map<string, Cell<V>>
  /** Of the newest map. */
  version: number
}

export function versionedMap<V>(): VersionedMap<V> {
  return at({ cells: new Map(), version: 0 }, 0, 0)
}

function at<V>(table: Table<V>, version: number, size: number): VersionedMap<V> {
  function get(key: string): V | undefined {
    let cell = table.cells.get(key)
    while (cell && cell.version > version) cell = cell.before
    return cell?.value
  }

  function* entries(): IterableIterator<readonly [string, V]> {
    if (!size) return
    for (const key of table.cells.keys()) {
      const value = get(key)
      if (value !== undefined) yield [key, value]
    }
  }

  return {
    size,
    get,
    entries,
    with(key, value) {
      // Somebody went on from here already: a second way on gets a table of its own, and an empty map is where everybody begins.
      const own = size && table.version === version ? table : { cells: cellsOf(entries(), version), version }
      const before = own.cells.get(key)
      own.version = version + 1
      own.cells.set(key, { version: version + 1, value, before })
      return at(own, version + 1, before ? size : size + 1)
    },
  }
}

function cellsOf<V>(entries: Iterable<readonly [string, V]>, version: number): Map<string, Cell<V>> {
  const cells = new Map<string, Cell<V>>()
  for (const [key, value] of entries) cells.set(key, { version, value, before: undefined })
  return cells
}
