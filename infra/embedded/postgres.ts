import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { isMainThread } from 'node:worker_threads'
import pg from 'pg'
import { lockFile } from '../file-lock.ts'
import { findBinaries } from './postgres/binaries.ts'
import { directoryError, EmbeddedPostgresError } from './postgres/errors.ts'
import { waitForFormerServer } from './postgres/former.ts'
import { initialise } from './postgres/initialise.ts'
import { findLauncher } from './postgres/launcher.ts'
import { startServer } from './postgres/server.ts'
import { makeSocketDirectory, removeSocketDirectory, socketPort } from './postgres/socket.ts'
import { supervise } from './postgres/supervisor.ts'

export type EmbeddedPostgresOptions = {
  /** Everything of the server lies in here; made when it is not there. */
  directory: string
  /** Each line of the server's log. */
  log?: (line: string) => void
  /** Told what a person may have to wait for. */
  progress?: (what: string) => void
  /** postgresql.conf settings over ours. */
  settings?: Readonly<Record<string, string>>
}

export type EmbeddedPostgres = {
  /** Owner of the database `duxnet`: may create schemas, is no superuser. */
  url: string
  /** The role `duxnet_reader`: reads what it was granted, and nothing else. */
  readerUrl: string
  /** The superuser, on the maintenance database. */
  adminUrl: string
  /** Resolves when the server ended by itself again and again and is no longer restarted. Never rejects. */
  failed: Promise<Error>
  /** Ends the server cleanly. May be called more than once. */
  close(): Promise<void>
}

/** For a development machine; every acknowledged transaction is on the disk, as Postgres does by default. */
const defaultSettings = {
  listen_addresses: '',
  port: String(socketPort),
  unix_socket_permissions: '0700',
  // In its own directory: /dev/shm is tiny in a container, and keeps what a killed server left.
  dynamic_shared_memory_type: 'mmap',
  max_connections: '100',
  shared_buffers: '128MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  random_page_cost: '1.1',
  jit: 'off',
  // No replica ever reads this log: with the minimum a COPY into a table of the same transaction writes none.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  client_connection_check_interval: '10s',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_line_prefix: '',
  log_checkpoints: 'off',
}

/**
 * Starts a Postgres server of our own below `directory` and keeps it running until `close()`. It ends with this process, also at a
 * kill -9; the next start waits for it. One that ends by itself is restarted; meanwhile connections are refused.
 *
 * @throws EmbeddedPostgresError with a code for each thing that can be wrong
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  if (!isMainThread) throw new Error('The embedded Postgres must be started on the main thread: it would end with the worker')
  const { log = () => {}, progress = () => {} } = options
  const binaries = await findBinaries()
  const { directory, hold } = await takeDirectory(options.directory)
  try {
    const dataDirectory = join(directory, 'data')
    await waitForFormerServer(dataDirectory, progress)
    const socketDirectory = await makeSocketDirectory(directory)
    const launcher = await findLauncher(binaries, [directory, socketDirectory])
    await initialise(directory, binaries, launcher, progress)

    const settings = {
      ...defaultSettings,
      unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
      ...options.settings,
    }
    const start = (signal?: AbortSignal) =>
      startServer({ program: binaries.postgres, dataDirectory, launcher, settings, log, progress, signal })
    const first = await start()
    const url = (user: string, database: string) =>
      `postgres://${user}@${encodeURIComponent(socketDirectory)}:${socketPort}/${database}?sslmode=disable`
    await createRoles(url('postgres', 'postgres')).catch(async (error) => {
      await first.stop()
      throw new EmbeddedPostgresError('StartFailed', `Postgres: could not prepare its database (${error})`, { cause: error })
    })
    const supervisor = supervise(
      first,
      async (signal) => {
        progress('Postgres: the server ended by itself; starting it again')
        await waitForFormerServer(dataDirectory, progress)
        return start(signal)
      },
      log,
    )
    let closed: Promise<void> | undefined
    return {
      url: url('duxnet', 'duxnet'),
      readerUrl: url('duxnet_reader', 'duxnet'),
      adminUrl: url('postgres', 'postgres'),
      failed: supervisor.failed,
      close: () =>
        (closed ??= supervisor.stop().then(async () => {
          await removeSocketDirectory(directory)
          hold.release()
        })),
    }
  } catch (error) {
    hold.release()
    throw directoryError(directory, error)
  }
}

/** Makes the directory where there is none and holds it for this process, by a lock that the kernel frees. */
async function takeDirectory(path: string): Promise<{ directory: string; hold: { release(): void } }> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const directory = await realpath(path)
    const hold = lockFile(join(directory, 'hold'))
    if (hold === undefined)
      throw new EmbeddedPostgresError('DirectoryInUse', `Postgres: ${path} is in use by another running instance`)
    return { directory, hold }
  } catch (error) {
    throw directoryError(path, error)
  }
}

/** Asked for at every start, so that one that was killed in the middle is completed. */
async function createRoles(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  client.on('error', () => {}) // The query in hand rejects too; without a listener the event would end this process.
  await client.connect()
  try {
    const has = async (query: string) => ((await client.query(query)).rowCount ?? 0) > 0
    for (const role of ['duxnet', 'duxnet_reader']) {
      if (!(await has(`select from pg_roles where rolname = '${role}'`))) await client.query(`create role ${role} login`)
    }
    if (!(await has(`select from pg_database where datname = 'duxnet'`))) await client.query('create database duxnet owner duxnet')
    await client.query('alter role duxnet_reader set default_transaction_read_only = on')
  } finally {
    await client.end()
  }
}
