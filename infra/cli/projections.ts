import { copyTransaction } from '../../adapters/postgres/copy.ts'
import { createProjector } from '../../projections/projector.ts'
import { readModels } from '../../projections/read-models.ts'
import { type ProjectionStatus, storedStatus } from '../../projections/status.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { type Command, exit, UsageError } from './command.ts'
import { type LiveReadModels, readModelKeys, readModelsOf, verifyLive, withReadModels } from './read-models.ts'

export const command: Command = {
  usage: `
duxnet projections list
duxnet projections verify [NAME …]
duxnet projections rebuild NAME … | --all

The read models of the running instance: where they stand, whether Postgres holds what the log makes of them, and new ones built
beside those that serve, which go on until the switch. verify exits with 1 when something differs.

${configHelp(readModelKeys)}`,
  options: { ...configOptions(readModelKeys), all: { type: 'boolean' } },
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },

  async run(values, [action, ...names]) {
    const actions: Record<string, (live: LiveReadModels) => Promise<number>> = {
      list,
      verify: (live) => verifyLive(live, names),
      rebuild: (live) => rebuild(live, names),
    }
    if (!Object.hasOwn(actions, action!)) throw new UsageError(`there is no '${action}'; there are list, verify and rebuild`)
    if (action === 'list' && names.length) throw new UsageError(`unexpected argument '${names[0]}'`)
    if (values.all && (action !== 'rebuild' || names.length)) throw new UsageError('--all goes with rebuild alone, without names')
    if (action === 'rebuild' && !values.all && !names.length)
      throw new UsageError('rebuild needs the names of read models, or --all')
    readModelsOf(names)
    return withReadModels(loadConfig(values), actions[action!]!)
  },
}

async function list({ log, postgres }: LiveReadModels): Promise<number> {
  const found = await storedStatus(postgres.db, readModels, log.store, () => new Date())
  const rows = [['name', 'version', 'generation', 'state', 'position', 'lag', 'checkpoint'], ...found.map(rowOf)]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const text = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  const details = found.filter(({ detail }) => detail).map(({ name, detail }) => `${name}: ${detail}`)
  process.stdout.write(`${[...text, ...details].join('\n')}\n`)
  return exit.done
}

function rowOf({ name, version, generation, state, position, lagSeconds, checkpointAgeSeconds }: ProjectionStatus): string[] {
  const seconds = (value: number | undefined, after: string) => (value === undefined ? '-' : `${value.toFixed(1)} s${after}`)
  return [
    name,
    String(version),
    String(generation),
    state,
    String(position),
    seconds(lagSeconds, ''),
    seconds(checkpointAgeSeconds, ' ago'),
  ]
}

async function rebuild({ log, postgres }: LiveReadModels, names: readonly string[]): Promise<number> {
  const projector = createProjector({
    projections: readModels,
    source: log.store,
    db: postgres.db,
    copyTransaction: (work) => copyTransaction(postgres.pool, work),
    clock: () => new Date(),
  })
  const telling = setInterval(async () => {
    const building = (await projector.status()).find(({ state }) => state === 'building')
    if (building?.detail) process.stderr.write(`building: ${building.detail}\n`)
  }, 1000)
  const built = await projector.rebuild(names.length ? names : 'all').finally(() => clearInterval(telling))
  for (const { name, serving, poison } of built) {
    const state = serving ? 'was built and serves' : 'was built, but the one before it had got further and goes on serving'
    process.stdout.write(
      `${name}: ${state}${poison ? `; it stops at ${poison.type} (position ${poison.position}): ${poison.error}` : ''}\n`,
    )
  }
  return built.every(({ poison }) => poison === null) ? exit.done : exit.failed
}
