import { becomeLeader } from '../adapters/postgres/advisory-lock.ts'

/**
 * Runs `work` while this process leads `role` among all on the database at `url`, again and again until `signal` is aborted. `work` is given
 * a signal that is aborted when it must stop, and ends soon after.
 */
export async function whileLeading(
  url: string,
  role: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const leadership = await becomeLeader(url, role, signal).catch(() => undefined)
    if (!leadership) return
    try {
      await work(AbortSignal.any([signal, leadership.lost]))
    } finally {
      await leadership.release()
    }
  }
}
