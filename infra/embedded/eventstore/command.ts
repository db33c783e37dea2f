import { setFlagsFromString } from 'node:v8'
import { runCommand } from '../../cli/run.ts'
import { usage } from './option-list.ts'
import { type EventStoreOptions, parseEventStoreOptions, UsageError } from './options.ts'
import type { Certificate } from './port/port.ts'
import { readCertificate } from './security/certificate.ts'
import { openServer, type Server } from './server.ts'
import { tools } from './tools.ts'

/**
 * `duxnet eventstore`: runs the event store alone until SIGTERM or SIGINT, or a tool. Prints `ready` with its address when it listens. SIGHUP makes it
 * read the files of its certificate again.
 * Answers the exit code: 0 stopped, 1 could not start, 2 unknown option or value.
 */
export async function eventStoreCommand(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [first = '', ...rest] = argv
  if (Object.hasOwn(tools, first)) return runCommand(`eventstore ${first}`, tools[first]!, rest)
  try {
    const options = parseEventStoreOptions(argv, env)
    if (options.help) {
      process.stdout.write(usage())
      return 0
    }
    // Left alone, V8 takes three times the memory that is needed, for no speed that can be measured here.
    setFlagsFromString('--optimize-for-size')
    const directory = options.memDb ? undefined : options.db
    const { nodeIp: host, nodePort: port, startStandardProjections } = options
    const certificate = certificateOf(options)
    const defaultPasswords = { admin: options.defaultAdminPassword, ops: options.defaultOpsPassword }
    const advertise = { host: options.nodeHostAdvertiseAs || undefined, port: options.nodePortAdvertiseAs || undefined }
    const server = await openServer({ directory, host, port, certificate, defaultPasswords, startStandardProjections, advertise })
    const stopped = signalled()
    if (certificate) process.on('SIGHUP', () => renewCertificate(server, options))
    process.stdout.write(`ready esdb://${server.host}:${server.port}?tls=${certificate !== undefined}\n`)
    await stopped
    await server.close()
    return 0
  } catch (error) {
    process.stderr.write(`duxnet eventstore: ${(error as Error).message}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

function certificateOf(options: EventStoreOptions): Certificate | undefined {
  const { certificateFile, certificatePrivateKeyFile } = options
  if (certificateFile === undefined || certificatePrivateKeyFile === undefined) return undefined
  return readCertificate({
    certificateFile,
    privateKeyFile: certificatePrivateKeyFile,
    privateKeyPassword: options.certificatePrivateKeyPassword,
    trustedRootsPath: options.trustedRootCertificatesPath,
  })
}

/** Certificates end, and their files are replaced; one that can not be read leaves the present one where it is. */
function renewCertificate(server: Server, options: EventStoreOptions): void {
  try {
    server.renew(certificateOf(options)!)
    process.stdout.write('the certificate was read again\n')
  } catch (error) {
    process.stderr.write(`duxnet eventstore: the certificate stays what it was: ${(error as Error).message}\n`)
  }
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve())
  })
}
