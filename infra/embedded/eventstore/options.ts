import { options, prefix, variable } from './option-list.ts'

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
