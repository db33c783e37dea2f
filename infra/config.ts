import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { readWitnessKey } from '../domain/cosignature.ts'
import { faultIn } from '../domain/network/decider.ts'
import { type Quorum, quorumSchema } from '../domain/network/events.ts'
import type { NoteKey } from '../domain/signed-note.ts'
import { UsageError, type Values } from './cli/command.ts'

/** What one process can do; by default it does all of it. */
export const roles = ['commands', 'queries', 'projector', 'processes', 'chain', 'webhooks', 'relay', 'agent'] as const
export type Role = (typeof roles)[number]

/** Numbers come as numbers from the file and as text from the environment and flags. */
const whole = (min: number, max: number, message: string) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value),
    z.int(message).min(min, message).max(max, message),
  )
const port = whole(0, 65_535, 'must be a port from 0 to 65535')
const truth = z.preprocess(
  (value) => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean('must be true or false'),
)
const positive = (max: number) => whole(1, max, `must be a whole number from 1 to ${max}`)
const url = (scheme: RegExp, message: string) => z.string().regex(scheme, message)
/** `2:key,key,key`: the threshold and the members. */
const quorum = z.preprocess(
  (value) => {
    const [, threshold, members] = (typeof value === 'string' && /^(\d{1,4}):(.+)$/.exec(value)) || []
    return members === undefined ? value : { threshold: Number(threshold), members: members.split(',').map((key) => key.trim()) }
  },
  z
    .custom<Quorum>((value) => {
      const { data } = quorumSchema.safeParse(value)
      return data && !faultIn(data)
    }, 'must be M:key,key,… with M different public keys or more')
    .optional(),
)
/** A witness of the log's checkpoints: its key, and where it takes them. */
export interface ConfiguredWitness {
  readonly key: NoteKey
  readonly url: string
}
const witnessList = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((one) => witnessOf(one.trim())) : value),
  z
    .array(
      z.custom<ConfiguredWitness>((value) => value !== undefined),
      'must be <name>+<hash>+<key>@<url>,…',
    )
    .max(16),
)

function witnessOf(text: string): ConfiguredWitness | undefined {
  const [, key, url] = /^([^@\s]+)@(https?:\/\/[^\s?#]+)$/.exec(text) ?? []
  try {
    return { key: readWitnessKey(key ?? ''), url: url!.replace(/\/$/, '') }
  } catch {
    return undefined
  }
}
const roleList = z.preprocess(
  (value) => (typeof value === 'string' ? value.split(',').map((role) => role.trim()) : value),
  z.array(z.enum(roles, `must be some of ${roles.join(', ')}`)).min(1, 'must name at least one role'),
)

/**
 * Every key: its name in `duxnet.json` (and, hyphenated, as a flag), its variable, what it means. The README's table is made
 * from this; so is the check at start.
 */
const keys = {
  host: key('HOST', z.string().min(1).default('127.0.0.1'), 'address that the HTTP API listens on'),
  port: key('PORT', port.default(8080), 'port of the HTTP API; 0 picks a free one'),
  publicUrl: key(
    'DUXNET_PUBLIC_URL',
    url(/^https?:\/\/[^\s"?#]*[^\s"?#/]$/, 'must be an http address without a query and without a slash at its end').optional(),
    'address under which others reach the API, as events name it (`dataschema`); unless given, where it listens',
  ),
  data: key('DUXNET_DATA', z.string().min(1).default('./.duxnet'), 'data directory: keys, embedded engines, `run.json`'),
  roles: key(
    'DUXNET_ROLES',
    roleList.default([...roles]),
    `what this process does, by commas: ${roles.map((r) => `\`${r}\``).join(', ')}`,
  ),
  esdbUrl: key(
    'ESDB_URL',
    url(/^(esdb|kurrentdb)(\+discover)?:\/\/[^/]/, 'must be an EventStoreDB connection string (esdb://…)').optional(),
    'an EventStoreDB to use in place of the embedded event store: `esdb://…`',
    { secret: true },
  ),
  eventstorePort: key('DUXNET_EVENTSTORE_PORT', port.default(2113), 'port of the embedded event store; 0 picks a free one'),
  databaseUrl: key(
    'DATABASE_URL',
    url(/^postgres(ql)?:\/\/./, 'must be a Postgres URL (postgres://…)').optional(),
    'a Postgres to use in place of the embedded one: `postgres://…`',
    { secret: true },
  ),
  databaseReaderUrl: key(
    'DATABASE_READER_URL',
    url(/^postgres(ql)?:\/\/./, 'must be a Postgres URL (postgres://…)').optional(),
    'the same Postgres as a user that may only read, for queries; without it queries use `DATABASE_URL`',
    { secret: true },
  ),
  natsUrl: key(
    'NATS_URL',
    url(/^(nats|tls|wss?):\/\/[^/]/, 'must be addresses of NATS servers (nats://…), by commas').optional(),
    'NATS servers with JetStream that events are relayed to, by commas: `nats://…`; without it the relay is off',
    { secret: true },
  ),
  natsCredsFile: key(
    'NATS_CREDS_FILE',
    z.string().min(1).optional(),
    'a `.creds` file, where NATS wants one rather than what is in the URL',
  ),
  natsPrefix: key(
    'NATS_PREFIX',
    z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,31}$/, 'must match ^[a-z][a-z0-9_]{0,31}$')
      .default('duxnet'),
    "first token of every subject in NATS; in capitals, the name of JetStream's stream",
  ),
  natsReplicas: key(
    'NATS_REPLICAS',
    whole(1, 5, 'must be a number from 1 to 5').default(1),
    'on how many servers the stream is kept, when it is created: 3 on a cluster',
  ),
  natsMaxAgeDays: key(
    'NATS_MAX_AGE_DAYS',
    whole(0, 36_500, 'must be a whole number from 0 to 36500').default(0),
    'how long the stream keeps messages, when it is created; 0: for ever',
  ),
  namespace: key(
    'DUXNET_NAMESPACE',
    z
      .string()
      .regex(/^[a-z][a-z0-9]{0,15}$/, 'must match ^[a-z][a-z0-9]{0,15}$')
      .default('dux'),
    'first part of every stream name, where an event store is shared',
  ),
  networkKind: key(
    'DUXNET_NETWORK_KIND',
    z.enum(['test', 'main'], 'must be test or main').default('test'),
    'kind of network that the first start founds: `test` or `main`',
  ),
  stewards: key(
    'DUXNET_STEWARDS',
    quorum,
    "who reviews withdrawals and, as many as M at once, spends the community fund: `M:key,key,…`; until the log names others. A `test` network's: the authority",
  ),
  arbiters: key('DUXNET_ARBITERS', quorum, 'who decides disputes, as many as M at once: `M:key,key,…`; likewise'),
  witnesses: key(
    'DUXNET_WITNESSES',
    witnessList.default([]),
    "who cosigns the log's checkpoints (C2SP tlog-witness): `<name>+<hash>+<key>@<url>`, by commas",
  ),
  region: key(
    'DUXNET_REGION',
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must match ^[a-z0-9][a-z0-9._-]{0,63}$')
      .default('local'),
    'region that the agent registers this machine in',
  ),
  webhooksAllowPrivate: key(
    'DUXNET_WEBHOOKS_ALLOW_PRIVATE',
    truth.default(false),
    'whether webhooks may be sent by http and to private addresses: `true` or `false`',
  ),
  webhooksRetryHours: key(
    'DUXNET_WEBHOOKS_RETRY_HOURS',
    positive(24 * 30).default(72),
    'for how long a webhook message that fails is tried again',
  ),
  flopcoinRpcUrl: key(
    'FLOPCOIN_RPC_URL',
    url(/^https?:\/\/[^/]/, 'must be the URL of a node (http://user:password@host:port/)').optional(),
    "a Flopcoin Core node's RPC, `http://user:password@host:port/`; without it deposits and withdrawals over the chain are off",
    { secret: true },
  ),
  flopcoinCookieFile: key(
    'FLOPCOIN_COOKIE_FILE',
    z.string().min(1).optional(),
    "the node's `.cookie`, where the URL has no user and password",
  ),
  walletPassphraseFile: key(
    'DUXNET_WALLET_PASSPHRASE_FILE',
    z.string().min(1).optional(),
    "a file with the passphrase of the treasury's keys; `DUXNET_WALLET_PASSPHRASE` in the environment has it likewise",
  ),
  logLevel: key(
    'DUXNET_LOG_LEVEL',
    z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], 'must be trace, debug, info, warn, error or silent')
      .default('info'),
    'least level logged on standard error; `debug` shows every request',
  ),
  openingsPerMinute: key(
    'DUXNET_OPENINGS_PER_MINUTE',
    whole(0, 1_000_000, 'must be a whole number from 0 to 1000000').default(120),
    'wallets, nodes, webhooks and disclosures that one address may open in a minute; 0: as many as it likes, as where a proxy is the only address',
  ),
  commandsPerMinute: key(
    'DUXNET_COMMANDS_PER_MINUTE',
    whole(0, 10_000_000, 'must be a whole number from 0 to 10000000').default(6000),
    'commands that one key may have accepted in a minute, heartbeats aside; 0: as many as it likes',
  ),
  stateCacheMb: key(
    'DUXNET_STATE_CACHE_MB',
    positive(65_536).optional(),
    "memory for folded streams on the command side, in MiB; unless given a 32nd of the machine's, but 64 to 1024: what does not fit is read again for each command",
  ),
  drainSeconds: key(
    'DUXNET_DRAIN_SECONDS',
    whole(0, 600, 'must be a whole number from 0 to 600').default(1),
    'time on SIGTERM between a failing `/readyz` and the last new connection, for load balancers',
  ),
  shutdownSeconds: key(
    'DUXNET_SHUTDOWN_SECONDS',
    positive(600).default(20),
    'time that requests and engines get to end after that',
  ),
} as const

type Keys = typeof keys
export type Key = keyof Keys

/** The checked configuration. `data` is an absolute path. */
export type Config = { readonly [K in Key]: z.infer<Keys[K]['schema']> }

/** Where a value came from, as messages name it: `--port`, `PORT (environment)`, `port (duxnet.json)`; absent for a default. */
export type Sources = { readonly [K in Key]?: string }

/** Whether any of these roles is this process's. */
export function does({ roles }: Config, ...any: readonly Role[]): boolean {
  return any.some((role) => roles.includes(role))
}

function key<Schema extends z.ZodType>(env: string, schema: Schema, about: string, { secret = false } = {}) {
  return { env, schema, about, secret }
}

/** `eventstorePort` → `eventstore-port`. */
const flagOf = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** Options of `parseArgs` for these keys and `--config`. */
export function configOptions(names: readonly Key[] = Object.keys(keys) as Key[]) {
  return Object.fromEntries(['config', ...names.map(flagOf)].map((name) => [name, { type: 'string' } as const]))
}

/** The same as lines of a `--help` text. */
export function configHelp(names: readonly Key[] = Object.keys(keys) as Key[]): string {
  const lines = names.map((name) => [`--${flagOf(name)}`, `${keys[name].about.replaceAll('`', '')} (${keys[name].env})`])
  lines.push(['--config', 'a JSON file of these keys, in camel case (duxnet.json in the working directory)'])
  const width = Math.max(...lines.map(([flag]) => flag!.length))
  return lines.map(([flag, about]) => `  ${flag!.padEnd(width)}  ${about}`).join('\n')
}

/**
 * Reads flags over environment over file. Throws `UsageError` that names every wrong key and where it came from. `warnings` are
 * things given that this process will not use.
 */
export function loadConfig(
  flags: Values,
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd: string = process.cwd(),
): { config: Config; sources: Sources; warnings: string[] } {
  const file = readFile(flags.config as string | undefined, cwd)
  const problems = Object.keys(file.values)
    .filter((name) => !Object.hasOwn(keys, name))
    .map((name) => `${name} (${file.name}): there is no such key`)
  const config: Record<string, unknown> = {}
  const sources: Record<string, string> = {}
  for (const [name, { env: variable, schema }] of Object.entries(keys)) {
    const candidates: [unknown, string][] = [
      [flags[flagOf(name)], `--${flagOf(name)}`],
      // An empty variable is how shells and compose files say "not set".
      [env[variable] || undefined, `${variable} (environment)`],
      [file.values[name], `${name} (${file.name})`],
    ]
    const [value, source] = candidates.find(([given]) => given !== undefined) ?? [undefined, undefined]
    const checked = schema.safeParse(value)
    if (!checked.success) problems.push(`${source}: ${checked.error.issues[0]!.message}`)
    else config[name] = checked.data
    if (source !== undefined) sources[name] = source
  }
  if (problems.length) throw new UsageError(problems.join('\n'))
  const checked = { ...config, data: resolve(cwd, config.data as string) } as unknown as Config
  return { config: checked, sources, warnings: warningsFor(checked, sources, env) }
}

function readFile(path: string | undefined, cwd: string): { name: string; values: Record<string, unknown> } {
  const name = path ?? 'duxnet.json'
  let text: string
  try {
    text = readFileSync(resolve(cwd, name), 'utf8')
  } catch (error) {
    if (path === undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') return { name, values: {} }
    throw new UsageError(`cannot read the configuration file ${name}: ${(error as Error).message}`)
  }
  try {
    return { name, values: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) }
  } catch (error) {
    throw new UsageError(`${name} is not a JSON object${error instanceof SyntaxError ? `: ${error.message}` : ''}`)
  }
}

/** Given, but without effect; a conflict that would change what is served is an error instead. */
function warningsFor(config: Config, sources: Sources, env: Readonly<Record<string, string | undefined>>): string[] {
  if (sources.databaseReaderUrl && !config.databaseUrl && does(config, 'projector', 'processes', 'webhooks', 'relay'))
    throw new UsageError(`${sources.databaseReaderUrl} is given, but no DATABASE_URL: the read models would go elsewhere`)
  if (does(config, 'agent') && !(does(config, 'commands') && does(config, 'queries')))
    throw new UsageError(
      `${sources.roles}: agent needs commands and queries beside it; duxnet agent --url works with another instance's`,
    )
  // The fail point is no setting: crash tests name with it where the process is to die.
  const known = new Set([...Object.values(keys).map((entry) => entry.env), 'DUXNET_FAIL_POINT'])
  return [
    ...(sources.esdbUrl && sources.eventstorePort ? [`${sources.eventstorePort} has no effect beside ${sources.esdbUrl}`] : []),
    ...Object.keys(env)
      .filter((name) => name.startsWith('DUXNET_') && !known.has(name))
      .map((name) => `${name} (environment): there is no such variable`),
  ]
}

/** `postgres://user:secret@host` → `postgres://user:***@host`; also where the password is a query parameter. */
export function redact(connection: string): string {
  return connection.replace(/(:\/\/[^:/@]*):[^@/]*@/, '$1:***@').replaceAll(/([?&]password=)[^&]*/gi, '$1***')
}

/** The configuration as it may be shown. */
export function redacted(config: Config): Record<Key, unknown> {
  const show = (name: Key, value: unknown) => (keys[name].secret && typeof value === 'string' ? redact(value) : value)
  return Object.fromEntries(Object.entries(config).map(([name, value]) => [name, show(name as Key, value)])) as Record<Key, unknown>
}

/** The README's table of keys, in Markdown. */
export function configTable(): string {
  const rows = Object.entries(keys).map(([name, { env, schema, about }]) => {
    const standard = schema.parse(undefined)
    const shown = standard === undefined ? '' : name === 'roles' ? 'all' : `\`${standard}\``
    return `| \`${env}\` | \`--${flagOf(name)}\` | \`${name}\` | ${shown} | ${about} |`
  })
  return ['| environment | flag | `duxnet.json` | default | what |', '|---|---|---|---|---|', ...rows].join('\n')
}
