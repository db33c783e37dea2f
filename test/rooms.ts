/** The rooms of the house and what each may import; `tidy.test.ts` checks it. Node's own modules are open to all unless `clockless`. */
export interface Room {
  /** Other rooms, or single files of them. */
  readonly rooms: readonly string[]
  /** Packages; `any` for all. */
  readonly packages: readonly string[] | 'any'
  /** Node modules, where not all are fit; `any` for all. */
  readonly node: readonly string[] | 'any'
  /** No clock, randomness or environment: what it computes from the log is the same everywhere. */
  readonly pure: boolean
}

export const rooms: Readonly<Record<string, Room>> = {
  domain: { rooms: [], packages: ['zod', '@openzeppelin/merkle-tree'], node: ['node:crypto'], pure: true },
  commands: { rooms: ['domain'], packages: ['zod'], node: 'any', pure: false },
  projections: {
    rooms: ['domain'],
    packages: ['kysely', 'zod'],
    node: ['node:crypto', 'node:events', 'node:timers/promises', 'node:zlib'],
    pure: true,
  },
  adapters: {
    rooms: [
      'domain',
      'commands/ports.ts',
      'commands/requests/ports.ts',
      'commands/processes/webhook-ports.ts',
      'commands/processes/relay-ports.ts',
    ],
    packages: 'any',
    node: 'any',
    pure: false,
  },
  api: { rooms: ['domain', 'commands', 'projections'], packages: ['express', 'ws', 'zod'], node: 'any', pure: false },
  infra: {
    rooms: ['domain', 'commands', 'projections', 'adapters', 'api', 'package.json'],
    packages: 'any',
    node: 'any',
    pure: false,
  },
  test: { rooms: ['domain', 'commands', 'projections', 'adapters', 'api', 'infra'], packages: 'any', node: 'any', pure: false },
}

/** Everything that may stand at the top of the repository. */
export const topLevel: readonly string[] = [
  ...Object.keys(rooms),
  'docs',
  '.ci',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'biome.json',
  '.gitignore',
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'LICENSE',
]
