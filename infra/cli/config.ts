import { configHelp, configOptions, configTable, loadConfig, redacted } from '../config.ts'
import { type Command, exit } from './command.ts'

export const command: Command = {
  usage: `
duxnet config [--table] [options of duxnet start]

Prints the configuration that duxnet start would use, passwords left out, and where each value comes from.

  --table  the README's table of all keys, in Markdown

${configHelp()}`,
  options: { ...configOptions(), table: { type: 'boolean' } },

  async run(values) {
    if (values.table) {
      process.stdout.write(`${configTable()}\n`)
      return exit.done
    }
    const { config, sources, warnings } = loadConfig(values)
    for (const [name, value] of Object.entries(redacted(config))) {
      const source = sources[name as keyof typeof sources] ?? 'default'
      process.stdout.write(`${name} = ${value === undefined ? 'none' : JSON.stringify(value)}  (${source})\n`)
    }
    for (const warning of warnings) process.stderr.write(`duxnet config: ${warning}\n`)
    return exit.done
  },
}
