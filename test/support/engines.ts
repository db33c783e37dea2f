import { createHash, randomBytes } from 'node:crypto'
import { cp, lstat, mkdtemp, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findBinaries } from '../../infra/embedded/postgres/binaries.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'

/** A database of its own, empty: `url` owns it, `readerUrl` is a role that reads what it is granted. */
export type TestPostgres = { url: string; readerUrl: string; close(): Promise<void> }

/**
 * A fresh database on a cluster that all tests of this process share, which is stopped and removed after the last `close()`.
 * With DUXNET_TEST_DATABASE_URL, of a user who may create databases, it is made on that server (`readerUrl` is then `url`).
 */
export async function testPostgres(): Promise<TestPostgres> {
  const server = process.env.DUXNET_TEST_DATABASE_URL
  const name = `test_${randomBytes(8).toString('hex')}`
  if (server !== undefined) {
    await administer(server, `create database ${name}`)
    const url = databaseUrl(server, name)
    return { url, readerUrl: url, close: () => administer(server, `drop database ${name} with (force)`) }
  }
  const { postgres, leave } = await joinCluster()
  await administer(postgres.adminUrl, `create database ${name} owner duxnet`)
  let closed: Promise<void> | undefined
  return {
    url: databaseUrl(postgres.url, name),
    readerUrl: databaseUrl(postgres.readerUrl, name),
    close: () => (closed ??= administer(postgres.adminUrl, `drop database ${name} with (force)`).finally(leave)),
  }
}

export type TestEventStore = { connectionString: string; port: number; close(): Promise<void> }

/** An empty event store of its own on a free port. */
export async function testEventStore(): Promise<TestEventStore> {
  // Loaded here: a test of Postgres alone pays for no other engine.
  const { startEmbeddedEventStore } = await import('../../infra/embedded/eventstore/start.ts')
  const directory = await mkdtemp(join(tmpdir(), 'duxnet-test-eventstore-'))
  const store = await startEmbeddedEventStore({ directory, port: 0 })
  return {
    connectionString: store.connectionString,
    port: store.port,
    async close() {
      await store.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

// Nothing in a test cluster has to survive a power cut.
const testSettings = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', shared_buffers: '32MB' }
// Tests in a row share the cluster, although each closes its database before the next opens one.
const lingerMs = 300
const scratchBytes = 1024 ** 3
const clusterPrefix = 'duxnet-test-postgres-'

type Cluster = { postgres: EmbeddedPostgres; directory: string }
let cluster: Promise<Cluster> | undefined
let members = 0
let lingering: NodeJS.Timeout | undefined

async function joinCluster(): Promise<{ postgres: EmbeddedPostgres; leave: () => void }> {
  members += 1
  clearTimeout(lingering)
  cluster ??= startCluster()
  const { postgres } = await cluster
  return {
    postgres,
    leave() {
      members -= 1
      if (members === 0) lingering = setTimeout(stopCluster, lingerMs)
    },
  }
}

async function startCluster(): Promise<Cluster> {
  const directory = await clusterDirectory()
  return { directory, postgres: await startEmbeddedPostgres({ directory, settings: testSettings }) }
}

/** A directory of its own for `startEmbeddedPostgres`, with a cluster in it that was never used; the caller removes it. */
export async function clusterDirectory(): Promise<string> {
  const scratch = await scratchDirectory()
  await sweep(scratch)
  const template = await clusterTemplate(scratch)
  const directory = await mkdtemp(join(scratch, `${clusterPrefix}${process.pid}-`))
  await cp(template, directory, { recursive: true })
  return directory
}

async function stopCluster(): Promise<void> {
  const stopping = cluster
  cluster = undefined
  if (stopping === undefined) return
  const { postgres, directory } = await stopping
  await postgres.close()
  await rm(directory, { recursive: true, force: true })
}

/** Memory where there is enough of it: a cluster is copied there in a tenth of the time. */
async function scratchDirectory(): Promise<string> {
  const memory = await statfs('/dev/shm').catch(() => undefined)
  return memory !== undefined && memory.bavail * memory.bsize > scratchBytes ? '/dev/shm' : tmpdir()
}

/** Removes the clusters of test processes that were killed. */
async function sweep(scratch: string): Promise<void> {
  for (const name of await readdir(scratch)) {
    const pid = name.startsWith(clusterPrefix) ? Number.parseInt(name.slice(clusterPrefix.length), 10) : Number.NaN
    if (pid > 0 && !isRunning(pid)) await rm(join(scratch, name), { recursive: true, force: true }).catch(() => {})
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/**
 * A stopped cluster to copy, made once a user and build of Postgres: initdb takes a second. Made apart and renamed, so that test
 * processes that start together see a whole one or none; the rename of all but the first fails.
 */
async function clusterTemplate(scratch: string): Promise<string> {
  const { postgres } = await findBinaries()
  const { size, mtimeMs } = await stat(postgres)
  const build = createHash('sha256').update(`${postgres} ${size} ${mtimeMs}`).digest('hex').slice(0, 12)
  const uid = process.getuid?.() ?? 0
  const template = join(scratch, `duxnet-test-template-${build}-${uid}`)
  const found = await lstat(template).catch(() => undefined)
  if (found?.uid === uid && found.isDirectory()) return template
  const made = await mkdtemp(join(scratch, `${clusterPrefix}${process.pid}-`))
  const server = await startEmbeddedPostgres({ directory: made, settings: testSettings })
  await server.close()
  await rename(made, template).catch(() => rm(made, { recursive: true, force: true }))
  return template
}

async function administer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function databaseUrl(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}
