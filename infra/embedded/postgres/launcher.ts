import { execFile } from 'node:child_process'
import { lchown, lstat, readdir, readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError } from './errors.ts'

/** A way to run a program so that Postgres accepts its user and it never outlives this process. */
export type Launcher = {
  /** Command line put before the program's. */
  prefix: readonly string[]
  /** Who must own the data directory, as this process sees it. */
  owner: { uid: number; gid: number }
  /** Whether the kernel ends the program with this process; otherwise a watchdog must. */
  diesWithParent: boolean
}

// Between the fork and setpriv's request the parent can die unnoticed: then the shell has another parent already.
const onlyUnderParent = ['sh', '-c', '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"', 'sh', String(process.pid)]
const interruptAtParentsDeath = ['setpriv', '--pdeathsig', 'INT']

/** An environment in which neither PG* variables nor a locale of the caller change what Postgres does. */
export const programEnvironment: NodeJS.ProcessEnv = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * The first way that works here. Postgres refuses root, and initdb refuses a user without an entry in /etc/passwd. For both the
 * user is changed in a user namespace: only the kernel's view of the name changes, so the files stay ours and a folder that only
 * root may enter can be entered. Where namespaces are closed (most containers), root becomes an existing unprivileged user
 * that keeps one capability, to pass such folders; `directories` are then given to that user. No user is ever created.
 *
 * @throws EmbeddedPostgresError NoUserToRunAs, with what each attempt answered
 */
export async function findLauncher(binaries: Binaries, directories: readonly string[]): Promise<Launcher> {
  const refusals: string[] = []
  for (const launcher of await candidates()) {
    if (process.getuid!() === 0) for (const directory of directories) await giveTo(launcher.owner, directory)
    // Postgres wants to enter the directories by their absolute paths and to write there.
    const probe = 'for d; do test -w "$d" || { echo "cannot write to $d"; exit 1; }; done; exec "$0" --version'
    const [file, ...args] = [...launcher.prefix, 'sh', '-c', probe, binaries.postgres, ...directories]
    try {
      await promisify(execFile)(file!, args, { env: programEnvironment })
      return launcher
    } catch (error) {
      const said = error instanceof Error && 'stderr' in error && 'stdout' in error ? `${error.stderr}${error.stdout}`.trim() : ''
      refusals.push(`${file}: ${said || error}`)
    }
  }
  throw new EmbeddedPostgresError(
    'NoUserToRunAs',
    `Postgres: found no user to run it as (it refuses root); start DuxNet as another user or set DATABASE_URL\n${refusals.join('\n')}`,
  )
}

/** Makes `path` and all below it the owner's, unless it is already; itself last, so that a broken off attempt is repeated. */
async function giveTo(owner: { uid: number; gid: number }, path: string): Promise<void> {
  const found = await lstat(path)
  if (found.uid === owner.uid) return
  if (found.isDirectory()) for (const name of await readdir(path)) await giveTo(owner, join(path, name))
  await lchown(path, owner.uid, owner.gid)
}

async function candidates(): Promise<Launcher[]> {
  const self = { uid: process.getuid!(), gid: process.getgid!() }
  const watched = { prefix: [], owner: self, diesWithParent: false }
  const plain = { prefix: [...interruptAtParentsDeath, ...onlyUnderParent], owner: self, diesWithParent: true }
  if (self.uid !== 0 && hasName()) return [plain, watched]

  const other = await unprivilegedUser()
  if (other === undefined) return self.uid === 0 ? [] : [plain, watched]
  const mapped = ['unshare', '-U', `--map-user=${other.uid}`, `--map-group=${other.gid}`]
  const namespaced = { ...plain, prefix: [...mapped, ...plain.prefix] }
  if (self.uid !== 0) return [namespaced, plain, watched]

  const become = (...capability: string[]): Launcher => ({
    prefix: ['setpriv', `--reuid=${other.uid}`, `--regid=${other.gid}`, '--clear-groups', ...capability, ...plain.prefix.slice(1)],
    owner: other,
    diesWithParent: true,
  })
  // Without the secure bit access(2), by which Postgres looks for itself, would not heed the capability.
  const keeping = (name: string) => become(`--inh-caps=+${name}`, `--ambient-caps=+${name}`, '--securebits=+no_setuid_fixup')
  return [namespaced, keeping('dac_read_search'), keeping('dac_override'), become()]
}

function hasName(): boolean {
  try {
    userInfo()
    return true
  } catch {
    return false
  }
}

/** A user of this machine that is not root: the one meant for this where there is one. */
async function unprivilegedUser(): Promise<{ uid: number; gid: number } | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'))
  const users = lines.map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) })).filter((user) => user.uid > 0)
  return ['postgres', 'nobody', 'daemon'].map((name) => users.find((user) => user.name === name)).find(Boolean) ?? users[0]
}
