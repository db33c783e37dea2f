import { type Kysely, sql } from 'kysely'
import { isKeyed, keyOf, type Projection } from './projection.ts'
import { home, type ReadModels } from './read.ts'
import { sqlTypes, typeOf } from './rows.ts'

/** The role that may read the views. It is made where we may; otherwise whoever runs the server makes it. */
const readerRole = 'duxnet_reader'

/** Postgres schema of one generation of a projection: `node_directory_v1_g3`. */
export function schemaName({ name, version }: Projection, generation: number): string {
  return `${name.replaceAll('-', '_')}_v${version}_g${generation}`
}

export function quoted(...names: readonly string[]): string {
  return names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.')
}

function columnList(names: readonly string[]): string {
  return names.map((name) => quoted(name)).join(', ')
}

/** Runs statements that have no parameters. */
export async function execute(db: Kysely<ReadModels>, ...statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db)
}

/** Checkpoints, and the schema that queries read from. Safe to be run by many at once. */
export async function prepareHome(db: Kysely<ReadModels>): Promise<void> {
  await db.transaction().execute(async (tx) => {
    // `if not exists` alone still collides when two ask at the same time.
    await sql`select pg_advisory_xact_lock(hashtext('duxnet home'))`.execute(tx)
    await execute(
      tx,
      `create schema if not exists ${home}`,
      // Rewritten with every batch: room on the page keeps the old versions of a row from spreading.
      `create table if not exists ${home}.checkpoints (
        name text primary key,
        version integer not null,
        generation integer not null,
        schema text not null,
        "networkId" text,
        position bigint not null,
        "eventId" text,
        created timestamptz,
        count bigint not null,
        policy jsonb,
        newest text not null,
        problem jsonb,
        "writtenAt" timestamptz not null default now()
      ) with (fillfactor = 50)`,
      `create table if not exists ${home}."retiredSchemas" (schema text primary key)`,
      `do $$ begin
        if not exists (select from pg_roles where rolname = '${readerRole}') then create role ${readerRole} nologin; end if;
      exception when insufficient_privilege or duplicate_object or unique_violation then null; end $$`,
    )
    await grantReader(tx, `usage on schema ${home}`, `select on ${home}.checkpoints`)
  })
}

async function grantReader(db: Kysely<ReadModels>, ...privileges: readonly string[]): Promise<void> {
  const role = await sql`select from pg_roles where rolname = ${readerRole}`.execute(db)
  if (role.rows.length) await execute(db, ...privileges.map((privilege) => `grant ${privilege} to ${readerRole}`))
}

/** Empty tables of a generation, without keys and indexes: rows come faster without them. */
export async function createTables(db: Kysely<ReadModels>, { tables }: Projection, schema: string): Promise<void> {
  await execute(db, `drop schema if exists ${quoted(schema)} cascade`, `create schema ${quoted(schema)}`)
  for (const [name, table] of Object.entries(tables)) {
    const columns = Object.keys(table.columns).map((column) => {
      const { type, nullable } = typeOf(table.columns, column)
      return `${quoted(column)} ${sqlTypes[type]}${nullable ? '' : ' not null'}`
    })
    // Rows of a keyed table change often, and mostly in columns without an index: such a change can stay on its page.
    const options = isKeyed(table) ? ' with (fillfactor = 80)' : ''
    await execute(db, `create table ${quoted(schema, name)} (${columns.join(', ')})${options}`)
  }
}

export async function createIndexes(db: Kysely<ReadModels>, { tables }: Projection, schema: string): Promise<void> {
  for (const [name, table] of Object.entries(tables)) {
    const at = quoted(schema, name)
    await execute(db, `alter table ${at} add primary key (${columnList(keyOf(table))})`)
    for (const columns of table.indexes ?? []) {
      const members = columns.length === 1 && typeOf(table.columns, columns[0]!).type === 'list'
      await execute(db, `create index on ${at} ${members ? 'using gin ' : ''}(${columnList(columns)})`)
    }
    await execute(db, `analyze ${at}`)
  }
}

/** Lets the views that queries read show this generation. Needs each view to itself: waits for the queries under way. */
export async function switchViews(db: Kysely<ReadModels>, { tables }: Projection, schema: string): Promise<void> {
  for (const [name, table] of Object.entries(tables)) {
    const view = quoted(home, name)
    await execute(
      db,
      `drop view if exists ${view}`,
      `create view ${view} as select ${columnList(Object.keys(table.columns))} from ${quoted(schema, name)}`,
    )
    await grantReader(db, `select on ${view}`)
  }
}

/**
 * Drops the schemas of former generations. Not in the transaction that switches: whoever still writes one of them waits for that
 * transaction, which would then wait for him. What is in use for long is dropped another time.
 */
export async function dropRetired(db: Kysely<ReadModels>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select schema from ${sql.table(`${home}.retiredSchemas`)}`.execute(db)
  for (const { schema } of rows) {
    await db
      .transaction()
      .execute(async (tx) => {
        await execute(tx, `set local lock_timeout = '2s'`, `drop schema if exists ${quoted(schema)} cascade`)
        await sql`delete from ${sql.table(`${home}.retiredSchemas`)} where schema = ${schema}`.execute(tx)
      })
      .catch((error) => {
        // 55P03: somebody reads it. It stays on the list.
        if ((error as { code?: string }).code !== '55P03') throw error
      })
  }
}
