import { readFileSync } from 'node:fs'

/** Why the process ends: a signal, or the loss of the parent that would have passed one on. */
export type StopReason = NodeJS.Signals | 'lost parent'

/** Ctrl-C reaches the program twice, from the terminal and from npm; only what comes later is a second wish. */
const echoMs = 500

/**
 * Aborts at the first SIGTERM, SIGINT or SIGHUP, or when the parent is lost, with a `StopReason`; a second signal ends the process at
 * once. `dispose` gives the signals back.
 */
export function stopRequests(): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController()
  let firstAt = 0
  const stop = (reason: StopReason) => {
    if (!controller.signal.aborted) {
      firstAt = performance.now()
      controller.abort(reason)
    } else if (reason !== 'lost parent' && performance.now() - firstAt > echoMs) process.exit(1)
  }
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const
  for (const name of signals) process.on(name, stop)
  const forget = watchParent(() => stop('lost parent'))
  return {
    signal: controller.signal,
    dispose() {
      for (const name of signals) process.off(name, stop)
      forget()
    },
  }
}

const parentCheckMs = 1000

/**
 * Calls `lost` once a second when the parent is gone; answers what ends the watch.
 *
 * npm and npx run a program behind a shell and do not pass every signal on: when npm dies, the shell may stay, and neither tells us.
 * So under npm the parent is watched and, where that is a shell, npm behind it. A program started otherwise may well be meant to
 * outlive its shell and is left alone, and so is one that had no parent to begin with (in a container our parent is 1).
 */
export function watchParent(lost: () => void): () => void {
  const parent = process.ppid
  if (!process.env.npm_command || parent === 1) return () => {}
  const npm = parentOfShell(parent)
  const timer = setInterval(() => {
    if (process.ppid !== parent || parentOfShell(parent) !== npm) lost()
  }, parentCheckMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** The parent of process `pid` if that is a shell; undefined for another program, and where there is no /proc. */
function parentOfShell(pid: number): string | undefined {
  try {
    // "pid (name) state ppid …"; the name may hold anything, even a parenthesis.
    const [, name, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').match(/^\d+ \((.*)\) (.*)/s)!
    return name!.endsWith('sh') ? rest!.split(' ')[1] : undefined
  } catch {
    return undefined
  }
}
