import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from '../../infra/embedded/postgres/errors.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'
import { clusterDirectory } from '../support/engines.ts'
import { allGone, end, keeper, postmasterPid, query, serversOn, until } from './postgres-processes.ts'

const postgresTest = suite('embedded postgres')
const directories: string[] = []
const open = new Set<EmbeddedPostgres>()

/** A directory with a cluster in it, so that no test but the first waits for initdb. */
async function prepared(): Promise<string> {
  directories.push(await clusterDirectory())
  return directories.at(-1)!
}

async function start(directory: string, progress: string[] = []): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ directory, progress: (what) => progress.push(what) })
  open.add(postgres)
  return postgres
}

async function refused(directory: string, code: EmbeddedPostgresErrorCode): Promise<void> {
  const error = await start(directory).catch((reason) => reason)
  assert.instance(error, EmbeddedPostgresError)
  assert.is(error.code, code, error.message)
}

postgresTest.after.each(async () => {
  for (const postgres of open) await postgres.close()
  open.clear()
  for (const directory of directories.splice(0)) await rm(directory, { recursive: true, force: true })
})

postgresTest('the first start creates the cluster, tells its progress, and serves an owner and a reader', async () => {
  const directory = join(await mkdtemp(join(tmpdir(), 'duxnet-pg-')), 'made', 'by start')
  directories.push(join(directory, '..', '..'))
  const progress: string[] = []
  const { url, readerUrl } = await start(directory, progress)
  assert.ok(progress.some((what) => what.includes('creating its data directory')))
  assert.ok(progress.some((what) => what.includes('bootstrap')))

  await query(url, "create schema read; create table read.rows (name text); insert into read.rows values ('a')")
  const denied = await query(readerUrl, 'select * from read.rows').catch((error) => error)
  assert.is(denied.code, '42501', 'the reader reads nothing that it was not granted')
  await query(url, 'grant usage on schema read to duxnet_reader; grant select on read.rows to duxnet_reader')
  assert.equal(await query(readerUrl, 'select * from read.rows'), [{ name: 'a' }])
  assert.is((await query(readerUrl, 'create table t ()').catch((error) => error)).code, '25006')
  assert.equal(await query(url, `select rolsuper from pg_roles where rolname = current_user`), [{ rolsuper: false }])
  assert.equal(await query(url, 'show fsync'), [{ fsync: 'on' }])
  assert.equal(await query(url, 'show synchronous_commit'), [{ synchronous_commit: 'on' }])
  assert.equal(
    await query(url, `select 'Z' < 'a' as bytes, lower('Ä') as lower`),
    [{ bytes: true, lower: 'ä' }],
    'code point order',
  )
})

postgresTest('what was written is there after a stop and a start, and closing twice is closing once', async () => {
  const directory = await prepared()
  const first = await start(directory)
  await query(first.url, 'create table kept as select 42 as answer')
  await Promise.all([first.close(), first.close()])
  assert.equal(await serversOn(directory), [])
  assert.is((await readdir(directory)).includes('socket'), false)
  const second = await start(directory)
  assert.equal(await query(second.url, 'select answer from kept'), [{ answer: 42 }])
})

postgresTest('a second start on the same directory refuses, by whatever path, and does not disturb the first', async () => {
  const directory = await prepared()
  const { url, close } = await start(directory)
  await refused(directory, 'DirectoryInUse')
  const other = `${directory}-link`
  directories.push(other)
  await symlink(directory, other)
  await refused(other, 'DirectoryInUse')
  const child = await keeper(directory)
  assert.is(child.outcome.refusal, 'DirectoryInUse')
  await end(child)
  assert.equal(await query(url, 'select 1 as one'), [{ one: 1 }])
  await close()
  await start(directory)
})

postgresTest('a parent killed with -9 leaves no server behind, and the next start has the data', async () => {
  const directory = await prepared()
  const child = await keeper(directory)
  await query(child.outcome.url!, 'create table kept as select 42 as answer')
  await end(child, 'SIGKILL')
  await allGone(directory)
  assert.equal(await query((await start(directory)).url, 'select answer from kept'), [{ answer: 42 }])
})

postgresTest('after kill -9 of the whole tree the next start recovers by itself', async () => {
  const directory = await prepared()
  const child = await keeper(directory)
  await query(child.outcome.url!, 'create table kept as select 42 as answer')
  child.process.kill('SIGSTOP') // It must not see its server end before it ends itself.
  for (const pid of await serversOn(directory)) process.kill(pid, 'SIGKILL')
  await end(child, 'SIGKILL')
  assert.equal(await query((await start(directory)).url, 'select answer from kept'), [{ answer: 42 }])
})

postgresTest('a start waits for a former server that is still ending', async () => {
  const directory = await prepared()
  const child = await keeper(directory)
  const former = await postmasterPid(directory)
  process.kill(former, 'SIGSTOP')
  await end(child, 'SIGKILL')
  const progress: string[] = []
  const starting = start(directory, progress)
  await until(async () => progress.some((what) => what.includes('waiting for the former server')), 'the start tells that it waits')
  await sleep(200)
  assert.is(await postmasterPid(directory), former, 'and has started no second one')
  process.kill(former, 'SIGCONT')
  const { url } = await starting
  assert.is.not(await postmasterPid(directory), former)
  assert.equal(await query(url, 'select 1 as one'), [{ one: 1 }])
})

postgresTest('a stale lock file does not hinder, even when its pid is another program by now', async () => {
  const directory = await prepared()
  await writeFile(join(directory, 'data', 'postmaster.pid'), `${process.pid}\n${directory}/data\n0\n5432\n\n\n0 0\nready\n`)
  await mkdir(join(directory, 'socket'))
  await writeFile(join(directory, 'socket', '.s.PGSQL.5432.lock'), `${process.pid}\n`)
  assert.equal(await query((await start(directory)).url, 'select 1 as one'), [{ one: 1 }])
})

postgresTest('what a killed initdb left behind is removed', async () => {
  const directory = await prepared()
  await rename(join(directory, 'data'), join(directory, 'initdb-1-1'))
  await start(directory)
  assert.is((await readdir(directory)).includes('initdb-1-1'), false)
})

postgresTest('a server that crashes is restarted, and queries in between are told that it is away', async () => {
  const directory = await prepared()
  const { url } = await start(directory)
  await query(url, 'create table kept as select 42 as answer')
  const former = await postmasterPid(directory)
  process.kill(former, 'SIGKILL')
  const refusals: unknown[] = []
  await until(async () => {
    const rows = await query(url, 'select answer from kept').catch((error) => {
      refusals.push(error)
      return []
    })
    return rows.length === 1 && (await postmasterPid(directory)) !== former
  }, 'it serves again')
  assert.ok(refusals.length > 0)
  assert.equal(
    refusals.filter((error) => !isUnavailable(error)),
    [],
  )
})

postgresTest('a server that cannot be restarted is given up, by name', async () => {
  const directory = await prepared()
  const postgres = await start(directory)
  await rename(join(directory, 'data'), join(directory, 'gone'))
  process.kill(Number.parseInt(await readFile(join(directory, 'gone', 'postmaster.pid'), 'utf8'), 10), 'SIGKILL')
  const error = await postgres.failed
  assert.instance(error, EmbeddedPostgresError)
  assert.is((error as EmbeddedPostgresError).code, 'KeepsCrashing')
  assert.match(error.message, 'data')
  await postgres.close()
  await rename(join(directory, 'gone'), join(directory, 'data'))
  await start(directory)
})

postgresTest('closing while it waits for a restart ends the waiting', async () => {
  const directory = await prepared()
  const postgres = await start(directory)
  process.kill(await postmasterPid(directory), 'SIGKILL')
  await postgres.close()
  await allGone(directory)
  await start(directory)
})

postgresTest('Ctrl-C in the terminal reaches this process only', async () => {
  const directory = await prepared()
  await start(directory)
  const pid = await postmasterPid(directory)
  const [, , group] = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  assert.is(Number(group), pid, 'the server leads a process group of its own')
})

postgresTest('the socket of a directory with a long path lies elsewhere, and is removed with its directory', async () => {
  const directory = await prepared()
  const long = join(directory, 'd'.repeat(120))
  await mkdir(long)
  await rename(join(directory, 'data'), join(long, 'data'))
  const { url, close } = await start(long)
  assert.equal(await query(url, 'select 1 as one'), [{ one: 1 }])
  const [socketDirectory] = decodeURIComponent(new URL(url).hostname).split(',')
  await close()
  assert.is(await readdir(socketDirectory!).catch((error) => error.code), 'ENOENT')
})

postgresTest('a path may hold whatever a path can hold', async () => {
  const directory = await prepared()
  const odd = join(directory, `a "b", 'c' %41 ä;$`)
  await mkdir(odd)
  await rename(join(directory, 'data'), join(odd, 'data'))
  assert.equal(await query((await start(odd)).url, 'select 1 as one'), [{ one: 1 }])
})

postgresTest('a file, junk, or the data of another version in the place of the directory is a named error', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'duxnet-pg-'))
  directories.push(directory)
  await writeFile(join(directory, 'file'), '')
  await refused(join(directory, 'file'), 'DirectoryUnusable')
  await refused(join(directory, 'file', 'below'), 'DirectoryUnusable')
  await mkdir(join(directory, 'junk', 'data'), { recursive: true })
  await refused(join(directory, 'junk'), 'DirectoryUnusable')
  await mkdir(join(directory, 'old', 'data'), { recursive: true })
  await writeFile(join(directory, 'old', 'data', 'PG_VERSION'), '17\n')
  await refused(join(directory, 'old'), 'VersionMismatch')
})

postgresTest('a damaged cluster is a named error with the words of the server', async () => {
  const directory = await prepared()
  await rm(join(directory, 'data', 'global', 'pg_control'))
  const error = await start(directory).catch((reason) => reason)
  assert.is(error.code, 'StartFailed')
  assert.match(error.message, 'could not find the database system')
})

postgresTest('on a worker thread it refuses: the server would end with the thread', async () => {
  const program = `
    const { startEmbeddedPostgres } = await import('${new URL('../../infra/embedded/postgres.ts', import.meta.url)}')
    const { parentPort } = await import('node:worker_threads')
    parentPort.postMessage(await startEmbeddedPostgres({ directory: '/nowhere' }).catch((error) => error.message))`
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(program)}`))
  assert.match(await new Promise<string>((resolve) => worker.once('message', resolve)), 'main thread')
})

postgresTest.run()
