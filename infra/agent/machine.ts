import { readFileSync } from 'node:fs'
import os from 'node:os'
import type { Vitals } from '../../domain/heartbeat/events.ts'
import type { Profile } from '../../domain/node/events.ts'
import { version } from '../version.ts'

/** What this machine registers as. It can run no containers yet, and so claims none. */
export function machineProfile(region: string): Profile {
  return {
    cores: coreCount(),
    memoryBytes: os.totalmem(),
    platform: os.platform(),
    arch: os.arch(),
    version,
    region,
    capabilities: ['cpu'],
  }
}

/** Measures this machine; `cpuPermille` is over the time since the last call, at first since it was booted. */
export function vitalsMeter(): () => Vitals {
  let before = { busy: 0, total: 0 }
  return () => {
    const now = cpuTimes()
    const total = now.total - before.total
    // Two calls within one tick of the kernel's clock tell nothing new.
    const cpuPermille = permille(total > 0 ? (now.busy - before.busy) / total : now.busy / Math.max(now.total, 1))
    before = now
    const memory = readMemory()
    return {
      uptimeSeconds: Math.floor(os.uptime()),
      loadPermille: Math.round(os.loadavg()[0]! * 1000),
      cores: coreCount(),
      memoryUsedBytes: memory.total - memory.available,
      memoryTotalBytes: memory.total,
      cpuPermille,
      tasksSucceeded: 0,
      tasksFailed: 0,
    }
  }
}

const coreCount = () => os.cpus().length || os.availableParallelism()

const permille = (share: number) => Math.min(1000, Math.max(0, Math.round(share * 1000)))

/** Milliseconds over all cores since boot. */
function cpuTimes(): { busy: number; total: number } {
  let busy = 0
  let total = 0
  for (const { times } of os.cpus()) {
    const used = times.user + times.nice + times.sys + times.irq
    busy += used
    total += used + times.idle
  }
  return { busy, total }
}

/** Bytes. What Linux could give to programs at once counts as available, its page cache included; elsewhere only what is free does. */
function readMemory(): { total: number; available: number } {
  const total = os.totalmem()
  try {
    const [, kibibytes] = readFileSync('/proc/meminfo', 'utf8').match(/^MemAvailable:\s+(\d+) kB$/m)!
    return { total, available: Math.min(total, Number(kibibytes) * 1024) }
  } catch {
    return { total, available: os.freemem() }
  }
}
