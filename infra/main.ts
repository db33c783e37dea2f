#!/usr/bin/env node
// The program: `duxnet <command> …`. No command is `start`, so that `npm start -- --port 9000` reads as it should.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Command } from './cli/command.ts'

/** Each is loaded when it is called, so that help and version cost nothing. */
const commands: Readonly<Record<string, { does: string; main: (args: readonly string[]) => Promise<number> }>> = {
  start: { does: 'run DuxNet, or some roles of it (also without a command)', main: cli('start', () => import('./cli/start.ts')) },
  agent: { does: 'register this machine at a DuxNet and send its heartbeats', main: cli('agent', () => import('./cli/agent.ts')) },
  keygen: { does: 'make an Ed25519 key', main: cli('keygen', () => import('./cli/keygen.ts')) },
  sign: { does: 'sign a command with a key', main: cli('sign', () => import('./cli/sign.ts')) },
  export: { does: 'write the log as NDJSON with its Merkle root', main: cli('export', () => import('./cli/export.ts')) },
  import: { does: 'write an export into an empty event store', main: cli('import', () => import('./cli/import.ts')) },
  replay: {
    does: 'fold the log without Postgres; --live compares with Postgres',
    main: cli('replay', () => import('./cli/replay.ts')),
  },
  audit: {
    does: 'prove events, verify proofs, and check an export, without a server',
    main: cli('audit', () => import('./cli/audit.ts')),
  },
  dispute: { does: 'judge a dispute bundle without a server', main: cli('dispute', () => import('./cli/dispute.ts')) },
  fund: { does: "print the community fund's transparency report", main: cli('fund', () => import('./cli/fund.ts')) },
  airdrop: {
    does: 'compute, explain or simulate an airdrop from the log',
    main: cli('airdrop', () => import('./cli/airdrop.ts')),
  },
  wallet: {
    does: 'the treasury: its keys, backups, addresses and offline signatures',
    main: cli('wallet', () => import('./cli/wallet.ts')),
  },
  demo: { does: 'go through an escrow at a running DuxNet', main: cli('demo', () => import('./cli/demo.ts')) },
  projections: { does: 'list, rebuild or verify the read models', main: cli('projections', () => import('./cli/projections.ts')) },
  subscriptions: {
    does: 'persistent subscriptions for consumers that share the work',
    main: cli('subscriptions', () => import('./cli/subscriptions.ts')),
  },
  eventstore: {
    // Its options are EventStoreDB's own, so it reads them itself.
    does: 'run the embedded event store alone',
    main: async (args) => {
      const [{ eventStoreCommand }, { watchParent }] = await Promise.all([
        import('./embedded/eventstore/command.ts'),
        import('./lifecycle.ts'),
      ])
      watchParent(() => process.kill(process.pid, 'SIGTERM'))
      return eventStoreCommand(args, process.env)
    },
  },
  config: {
    does: 'print the configuration in force, or the table of all keys',
    main: cli('config', () => import('./cli/config.ts')),
  },
}

usePinnedNode()
// A reader that closed the pipe (`duxnet export | head`) has what it wanted.
process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
process.exitCode = await main(process.argv.slice(2))

async function main(argv: readonly string[]): Promise<number> {
  const [first] = argv
  if (first === '--help' || first === '-h' || first === 'help') return help(argv[1])
  if (first === '--version' || first === '-v' || first === 'version') return version()
  if (first === undefined || first.startsWith('-')) return run('start', argv)
  return run(first, argv.slice(1))
}

async function run(name: string, args: readonly string[]): Promise<number> {
  if (!Object.hasOwn(commands, name)) return complain(`there is no command '${name}'; duxnet --help lists them`, 2)
  return commands[name]!.main(args)
}

function cli(name: string, load: () => Promise<{ command: Command }>) {
  return async (args: readonly string[]): Promise<number> => {
    const [{ command }, { runCommand }] = await Promise.all([load(), import('./cli/run.ts')])
    return runCommand(name, command, args)
  }
}

async function help(name: string | undefined): Promise<number> {
  if (name !== undefined) return run(name, ['--help'])
  const width = Math.max(...Object.keys(commands).map(({ length }) => length))
  const lines = Object.entries(commands).map(([key, { does }]) => `  ${key.padEnd(width)}  ${does}`)
  process.stdout.write(`duxnet <command> [options]\n\n${lines.join('\n')}\n\nduxnet <command> --help says more.\n`)
  return 0
}

async function version(): Promise<number> {
  const { version } = await import('./version.ts')
  process.stdout.write(`duxnet ${version}, Node ${process.versions.node}\n`)
  return 0
}

function complain(message: string, code: number): number {
  process.stderr.write(`duxnet: ${message}\n`)
  return code
}

/**
 * npm and npx put the pinned Node first on the PATH; called by its path (`node infra/main.ts`) the program may find itself on an
 * older one, and goes over to the pinned one. (A Node before 22.18 reads no TypeScript and never gets here: there, use npm or npx.)
 */
function usePinnedNode(): void {
  if (Number.parseInt(process.versions.node, 10) >= 24) return
  const pinned = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(pinned) || !process.execve)
    process.exit(complain(`needs Node 24, this is ${process.versions.node}; run it by npx duxnet`, 2))
  process.execve(pinned, [pinned, ...process.execArgv, ...process.argv.slice(1)])
}
