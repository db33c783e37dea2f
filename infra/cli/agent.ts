import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AgentRefused, runAgent } from '../agent/agent.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { newKey, readKey, writeKey } from '../keys.ts'
import { stopRequests } from '../lifecycle.ts'
import { createLogger } from '../logs.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'

const keys = ['region', 'logLevel'] as const

export const command: Command = {
  usage: `
duxnet agent [--url URL] [--key FILE] [--node ID]

Registers this machine as a node, with its real cores, memory and platform, and sends its heartbeats until it is stopped.
duxnet start has an agent of its own; this is for other machines.

  --url URL   address of a DuxNet's API (http://127.0.0.1:8080)
  --key FILE  the node's key, made by duxnet keygen (agent.key in the working directory, made when it is not there)
  --node ID   the node's id, if its key was changed since it was registered
${configHelp(keys)}`,
  options: { ...configOptions(keys), url: { type: 'string' }, key: { type: 'string' }, node: { type: 'string' } },

  async run(values) {
    const { config } = loadConfig(values)
    const url = String(values.url ?? 'http://127.0.0.1:8080')
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new UsageError(`--url: '${url}' is no http address`)
    const keyFile = String(values.key ?? 'agent.key')
    if (values.key === undefined && !existsSync(keyFile)) {
      writeKey(keyFile, newKey())
      process.stderr.write(`duxnet agent: made the key ${join(process.cwd(), keyFile)}\n`)
    }
    const stop = stopRequests()
    try {
      await runAgent({
        url,
        signer: readKey(keyFile),
        ...(typeof values.node === 'string' && { nodeId: values.node }),
        region: config.region,
        log: createLogger(config.logLevel),
        signal: stop.signal,
      })
      return exit.done
    } catch (error) {
      if (error instanceof AgentRefused) throw new Failure(error.message)
      throw error
    } finally {
      stop.dispose()
    }
  },
}
