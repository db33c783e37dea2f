/** What `duxnet eventstore` can be told. */
export interface EventStoreOptions {
  readonly db: string
  readonly memDb: boolean
  readonly nodeIp: string
  readonly nodePort: number
  readonly nodeHostAdvertiseAs: string
  readonly nodePortAdvertiseAs: number
  readonly startStandardProjections: boolean
  readonly enableAtomPubOverHttp: boolean
  readonly insecure: boolean
  /** With it the event store speaks TLS and asks who calls. */
  readonly certificateFile: string | undefined
  readonly certificatePrivateKeyFile: string | undefined
  readonly certificatePrivateKeyPassword: string | undefined
  readonly trustedRootCertificatesPath: string | undefined
  readonly defaultAdminPassword: string | undefined
  readonly defaultOpsPassword: string | undefined
  readonly help: boolean
}

export class UsageError extends Error {}

interface Option {
  readonly name: string
  readonly kind: 'text' | 'port' | 'flag'
  readonly fallback?: string
  /** A secret that must not stand on a command line, where others see it. */
  readonly environmentOnly?: boolean
  readonly does: string
}

/** EventStoreDB's own names and defaults; each can be given as `--name value`, `--name=value` or `EVENTSTORE_NAME=value`. */
const options: readonly Option[] = [
  {
    name: 'db',
    kind: 'text',
    fallback: process.platform === 'linux' ? '/var/lib/eventstore' : './data',
    does: 'the directory of the log; made if it is not there',
  },
  { name: 'mem-db', kind: 'flag', fallback: 'false', does: 'keep everything in memory; nothing is left when it ends' },
  { name: 'node-ip', kind: 'text', fallback: '127.0.0.1', does: 'the address to listen on' },
  { name: 'node-port', kind: 'port', fallback: '2113', does: 'the port to listen on; 0 picks a free one' },
  {
    name: 'node-host-advertise-as',
    kind: 'text',
    fallback: '',
    does: 'the host that clients are told to dial, if not the one they came by',
  },
  {
    name: 'node-port-advertise-as',
    kind: 'port',
    fallback: '0',
    does: 'the port that clients are told to dial; 0 for the one they came by',
  },
  {
    name: 'start-standard-projections',
    kind: 'flag',
    fallback: 'false',
    does: 'let the projections of the system run: $ce- and $et- streams and so on',
  },
  {
    name: 'enable-atom-pub-over-http',
    kind: 'flag',
    fallback: 'false',
    does: 'accepted, and changes nothing: streams are served over gRPC only',
  },
  {
    name: 'insecure',
    kind: 'flag',
    fallback: 'false',
    does: 'serve without TLS and passwords, as without a certificate, and on other addresses than loopback too',
  },
  { name: 'certificate-file', kind: 'text', does: 'serve over TLS with this certificate (X.509, PEM or DER), to users only' },
  { name: 'certificate-private-key-file', kind: 'text', does: 'the private key of the certificate' },
  { name: 'certificate-private-key-password', kind: 'text', does: 'the password of the private key, if it has one' },
  { name: 'trusted-root-certificates-path', kind: 'text', does: 'a directory of certificates to one of which that one must lead' },
  {
    name: 'default-admin-password',
    kind: 'text',
    environmentOnly: true,
    does: 'what the first start gives to admin, in place of changeit',
  },
  {
    name: 'default-ops-password',
    kind: 'text',
    environmentOnly: true,
    does: 'what the first start gives to ops, in place of changeit',
  },
  { name: 'help', kind: 'flag', fallback: 'false', does: 'print this' },
]

const prefix = 'EVENTSTORE_'

/** Options over environment over defaults. Throws UsageError that names what is unknown or has no such value. */
export function parseEventStoreOptions(argv: readonly string[], env: NodeJS.ProcessEnv): EventStoreOptions {
  const values = new Map([...fromEnvironment(env), ...fromArguments(argv)])
  const given = (name: string) => values.get(name) ?? find(name)!.fallback
  const text = (name: string) => given(name)!
  const flag = (name: string) => {
    const value = text(name).toLowerCase()
    if (value !== 'true' && value !== 'false') throw new UsageError(`--${name} is true or false, not '${value}'`)
    return value === 'true'
  }
  const port = (name: string) => {
    const value = text(name)
    if (!/^\d{1,5}$/.test(value) || Number(value) > 65_535) throw new UsageError(`--${name} is a port, not '${value}'`)
    return Number(value)
  }
  return checked({
    db: text('db'),
    memDb: flag('mem-db'),
    nodeIp: text('node-ip'),
    nodePort: port('node-port'),
    nodeHostAdvertiseAs: text('node-host-advertise-as'),
    nodePortAdvertiseAs: port('node-port-advertise-as'),
    startStandardProjections: flag('start-standard-projections'),
    enableAtomPubOverHttp: flag('enable-atom-pub-over-http'),
    insecure: flag('insecure'),
    certificateFile: given('certificate-file'),
    certificatePrivateKeyFile: given('certificate-private-key-file'),
    certificatePrivateKeyPassword: given('certificate-private-key-password'),
    trustedRootCertificatesPath: given('trusted-root-certificates-path'),
    defaultAdminPassword: given('default-admin-password'),
    defaultOpsPassword: given('default-ops-password'),
    help: flag('help'),
  })
}

/** What makes no sense together. */
function checked(options: EventStoreOptions): EventStoreOptions {
  const { certificateFile, certificatePrivateKeyFile, insecure, nodeIp } = options
  if (certificateFile === undefined) {
    const without = (['certificatePrivateKeyFile', 'trustedRootCertificatesPath'] as const).find(
      (key) => options[key] !== undefined,
    )
    if (without) throw new UsageError(`--${dashed(without)} needs --certificate-file`)
    if (!insecure && !isLoopback(nodeIp))
      throw new UsageError(`--node-ip ${nodeIp} needs --certificate-file, or --insecure to let everybody do everything`)
    return options
  }
  if (insecure) throw new UsageError('--insecure and --certificate-file exclude each other')
  if (certificatePrivateKeyFile === undefined) throw new UsageError('--certificate-file needs --certificate-private-key-file')
  return options
}

const dashed = (key: string) => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const isLoopback = (address: string) => /^(127\.|::1$|localhost$)/.test(address)

const find = (name: string) => options.find((option) => option.name === name)

function* fromEnvironment(env: NodeJS.ProcessEnv): Iterable<[string, string]> {
  for (const [key, value] of Object.entries(env)) {
    if (!key.startsWith(prefix) || value === undefined) continue
    const name = key.slice(prefix.length).toLowerCase().replaceAll('_', '-')
    if (!find(name)) throw new UsageError(`the option ${key} of the environment is not known`)
    yield [name, value]
  }
}

function* fromArguments(argv: readonly string[]): Iterable<[string, string]> {
  for (let at = 0; at < argv.length; at++) {
    const [, name, given] = /^--?([a-z-]+)(?:=(.*))?$/s.exec(argv[at]!) ?? []
    const option = name === 'h' ? find('help') : name !== undefined && find(name)
    if (!option) throw new UsageError(`the option ${argv[at]} is not known`)
    if (option.environmentOnly)
      throw new UsageError(`--${option.name} is taken from the environment only, as ${variable(option.name)}`)
    if (given !== undefined) yield [option.name, given]
    else if (option.kind === 'flag') yield [option.name, /^(true|false)$/i.test(argv[at + 1] ?? '') ? argv[++at]! : 'true']
    else if (argv[at + 1] === undefined) throw new UsageError(`the option --${option.name} needs a value`)
    else yield [option.name, argv[++at]!]
  }
}

const variable = (name: string) => `${prefix}${name.toUpperCase().replaceAll('-', '_')}`

const toolsUsage = `duxnet eventstore verify DIR | backup DIR TO | restore FROM DIR: check or copy a log; each has its --help\n`

export function usage(): string {
  const lines = options.map(({ name, kind, fallback, environmentOnly, does }) => {
    const left = environmentOnly ? '' : kind === 'flag' ? `--${name}` : `--${name} ${kind === 'port' ? 'PORT' : 'VALUE'}`
    return `  ${left.padEnd(40)} ${does} (${fallback === undefined ? '' : `default ${fallback}; `}${variable(name)})`
  })
  return `duxnet eventstore [options]: a single-node event store that EventStoreDB clients can dial\n\n${lines.join('\n')}\n\n${toolsUsage}`
}
