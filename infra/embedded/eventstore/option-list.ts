export interface Option {
  readonly name: string
  readonly kind: 'text' | 'port' | 'flag'
  /** What its value is, where that is not `VALUE`. */
  readonly value?: string
  readonly fallback?: string
  /** A secret that must not stand on a command line, where others see it. */
  readonly environmentOnly?: boolean
  readonly does: string
}

/** EventStoreDB's own names and defaults; each can be given as `--name value`, `--name=value` or `EVENTSTORE_NAME=value`. */
export const options: readonly Option[] = [
  {
    name: 'db',
    kind: 'text',
    value: 'DIR',
    fallback: process.platform === 'linux' ? '/var/lib/eventstore' : './data',
    does: 'the directory of the log; made if it is not there',
  },
  { name: 'mem-db', kind: 'flag', fallback: 'false', does: 'keep everything in memory; nothing is left when it ends' },
  { name: 'node-ip', kind: 'text', value: 'ADDRESS', fallback: '127.0.0.1', does: 'the address to listen on' },
  { name: 'node-port', kind: 'port', fallback: '2113', does: 'the port to listen on; 0 picks a free one' },
  {
    name: 'node-host-advertise-as',
    kind: 'text',
    value: 'HOST',
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
  {
    name: 'certificate-file',
    kind: 'text',
    value: 'FILE',
    does: 'serve over TLS with this certificate (X.509, PEM or DER), to users only',
  },
  { name: 'certificate-private-key-file', kind: 'text', value: 'FILE', does: 'the private key of the certificate' },
  { name: 'certificate-private-key-password', kind: 'text', does: 'the password of the private key, if it has one' },
  {
    name: 'trusted-root-certificates-path',
    kind: 'text',
    value: 'DIR',
    does: 'a directory of certificates to one of which that one must lead',
  },
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

export const prefix = 'EVENTSTORE_'

/** An option's name in the environment. */
export const variable = (name: string) => `${prefix}${name.toUpperCase().replaceAll('-', '_')}`

const spelled = ({ name, kind, value, environmentOnly }: Option) =>
  environmentOnly ? variable(name) : kind === 'flag' ? `--${name}` : `--${name} ${value ?? (kind === 'port' ? 'PORT' : 'VALUE')}`

/** The default, where it says something; a flag is false. */
const meaningful = ({ kind, fallback }: Option) => (kind === 'flag' || !fallback || fallback === '0' ? undefined : fallback)

export function usage(): string {
  const lines = options.map((option) => {
    const standard = meaningful(option)
    return `  ${spelled(option)}\n      ${option.does}${standard === undefined ? '' : ` (default ${standard})`}\n`
  })
  return `${heading}\n${lines.join('')}\n${closing}`
}

const heading = 'duxnet eventstore [options]: a single-node event store that EventStoreDB clients can dial\n'

const closing = `A flag may stand without a value. Every option can be given in the environment too: --node-port as ${variable('node-port')}.

duxnet eventstore verify DIR | backup DIR TO | restore FROM DIR: check or copy a log; each has its --help
`

/** The table of options in the guide, in Markdown. */
export function optionsTable(): string {
  const rows = options.map((option) => {
    const name = option.environmentOnly ? '' : `\`${spelled(option)}\``
    const standard = meaningful(option)
    return `| ${name} | \`${variable(option.name)}\` | ${standard === undefined ? '' : `\`${standard}\``} | ${option.does} |`
  })
  return ['| option | environment | default | what |', '|---|---|---|---|', ...rows].join('\n')
}
