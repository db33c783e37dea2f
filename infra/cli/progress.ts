const everyMs = 1000

/** Says on standard error, at most once a second, how far something is that takes long: `exporting: 120000 events`. */
export function progressOf(what: string, unit = 'events'): (count: number) => void {
  let next = performance.now() + everyMs
  return (count) => {
    if (performance.now() < next) return
    next = performance.now() + everyMs
    process.stderr.write(`${what}: ${count} ${unit}\n`)
  }
}
