// The same server as other users, without what it would rather use, and in places where it cannot work. Where the machine or the
// user running the tests does not allow one of these, the test says so by being skipped.
import { spawn, spawnSync } from 'node:child_process'
import { access, chmod, chown, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import { clusterDirectory } from '../support/engines.ts'
import { allGone, end, type Keeper, keeper, outcomeOf, postmasterPid, query, serversOn, until } from './postgres-processes.ts'

const users = suite('embedded postgres for other users')
const childProgram = fileURLToPath(new URL('postgres-child.ts', import.meta.url))
const nobody = 65534
const nameless = 64999

const as = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
const works = (...command: string[]) => spawnSync(command[0]!, command.slice(1)).status === 0
const ifOthersCanRun = works(...as(nobody), process.execPath, '--check', childProgram) ? users : users.skip
const mountAndMap = 'mount -t tmpfs tmpfs "$0" && unshare -U true'
const ifNamespaces = works('unshare', '-m', 'sh', '-c', mountAndMap, tmpdir()) ? users : users.skip

const directories: string[] = []
const keepers: Keeper[] = []

/** A new directory of mode 0700 that belongs to `uid`. */
async function fresh(uid = process.getuid!()): Promise<string> {
  directories.push(await mkdtemp(join(tmpdir(), 'duxnet-pg-')))
  await chown(directories.at(-1)!, uid, uid)
  return directories.at(-1)!
}

/** One with a cluster in it. */
async function prepared(uid: number): Promise<string> {
  directories.push(await clusterDirectory())
  assert.ok(works('chown', '-R', `${uid}:${uid}`, directories.at(-1)!))
  return directories.at(-1)!
}

async function kept(...start: Parameters<typeof keeper>): Promise<Keeper> {
  keepers.push(await keeper(...start))
  return keepers.at(-1)!
}

async function uidOf(pid: number): Promise<number> {
  return (await stat(`/proc/${pid}`)).uid
}

users.after.each(async () => {
  for (const each of keepers.splice(0)) await end(each)
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

for (const [who, uid, place] of [
  ['an ordinary user', nobody, prepared],
  ['a user without a name', nameless, fresh],
] as const) {
  ifOthersCanRun(`${who} gets a server that ends with its parent`, async () => {
    const directory = await place(uid)
    const child = await kept(directory, as(uid))
    assert.is(child.outcome.refusal, undefined)
    assert.equal(await query(child.outcome.url!, 'select 1 as one'), [{ one: 1 }])
    assert.is(await uidOf(await postmasterPid(directory)), uid)
    await end(child, 'SIGKILL')
    await allGone(directory)
  })
}

ifOthersCanRun('where the kernel has no parent-death signal, a watchdog ends the server', async () => {
  const directory = await prepared(nobody)
  const programs = await fresh() // A PATH without setpriv and unshare.
  await chmod(programs, 0o755)
  await symlink('/bin/sh', join(programs, 'sh'))
  const child = await kept(directory, [...as(nobody), 'env', `PATH=${programs}`])
  assert.equal(await query(child.outcome.url!, 'select 1 as one'), [{ one: 1 }])
  await end(child, 'SIGKILL')
  await allGone(directory)
})

ifOthersCanRun('a directory of somebody else is a named error', async () => {
  const directory = await fresh()
  assert.is((await kept(directory, as(nobody))).outcome.refusal, 'DirectoryUnusable')
  assert.is((await kept(join(directory, 'below'), as(nobody))).outcome.refusal, 'DirectoryUnusable')
})

for (const way of ['in a user namespace', 'where user namespaces are closed']) {
  ifNamespaces(`root gets a server of a checkout in a folder that only root may enter, ${way}`, async () => {
    const folder = await fresh()
    const directory = join(folder, 'data')
    const closed = way.endsWith('closed')
    const child = await keeperInCheckoutBelow(folder, closed)
    assert.is(child.outcome.refusal, undefined)
    await query(child.outcome.url!, 'create table kept as select 42 as answer')
    assert.is((await uidOf(await postmasterPid(directory))) === 0, !closed)
    await end(child, 'SIGKILL')
    await allGone(directory)
    if (!closed) return
    const postgres = await startEmbeddedPostgres({ directory })
    try {
      assert.equal(
        await query(postgres.url, 'select answer from kept'),
        [{ answer: 42 }],
        'what was another user’s is root’s again',
      )
    } finally {
      await postgres.close()
    }
  })
}

/**
 * Runs in this checkout, mounted into `folder` for the keeper alone. `closed`: as in most containers, root without the right to make a
 * user namespace (itself in one that allows no further one).
 */
async function keeperInCheckoutBelow(folder: string, closed: boolean): Promise<Keeper> {
  const checkout = fileURLToPath(new URL('../..', import.meta.url))
  const mounted = join(folder, 'checkout')
  await mkdir(mounted)
  const there = (path: string) => (path.startsWith(checkout) ? join(mounted, relative(checkout, path)) : path)
  const mountThenRun = ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" "$1"; shift; exec "$@"', checkout, mounted]
  const closeThenRun = 'echo 0 > /proc/sys/user/max_user_namespaces; ! unshare -U true 2>/dev/null || exit 1; exec "$@"'
  const closedThenRun = ['unshare', '-U', 'sh', '-c', 'read -r _; exec sh -c "$0" sh "$@"', closeThenRun]
  const run = [there(process.execPath), there(childProgram), join(folder, 'data')]
  const [file, ...args] = [...mountThenRun, ...(closed ? closedThenRun : []), ...run]
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  if (closed) {
    const own = await readlink('/proc/self/ns/user')
    await until(async () => (await readlink(`/proc/${child.pid}/ns/user`).catch(() => own)) !== own, 'the namespace is there')
    for (const map of ['uid_map', 'gid_map']) await writeFile(`/proc/${child.pid}/${map}`, '0 0 65536')
    child.stdin.write('\n')
  }
  keepers.push({ process: child, outcome: await outcomeOf(child) })
  return keepers.at(-1)!
}

ifNamespaces('a full disk is a named error, and leaves no half of a cluster', async () => {
  const directory = await fresh()
  const onSmallDisk = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs -o size=20m tmpfs "$0" && exec "$@"', directory]
  assert.is((await kept(directory, onSmallDisk)).outcome.refusal, 'DiskFull')
})

users('a parent killed during initdb leaves nothing running, and the next start makes the cluster', async () => {
  const directory = join(await fresh(), 'killed')
  await mkdir(directory)
  const child = spawn(process.execPath, [childProgram, directory], { stdio: ['pipe', 'ignore', 'inherit'] })
  await until(async () => (await readdir(directory)).some((name) => name.startsWith('initdb-')), 'initdb is at work')
  await end({ process: child, outcome: {} }, 'SIGKILL')
  await until(async () => (await programsNaming(directory)).length === 0, 'no process of initdb is left')
  assert.equal(await serversOn(directory), [])
  const postgres = await startEmbeddedPostgres({ directory })
  assert.equal(await query(postgres.url, 'select 1 as one'), [{ one: 1 }])
  await postgres.close()
  await access(join(directory, 'data', 'PG_VERSION'))
})

async function programsNaming(directory: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
  return commands.filter((command) => command.includes(directory))
}

users.run()
