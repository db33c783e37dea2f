import { type Config, configHelp, configOptions, loadConfig } from '../config.ts'
import { type StopReason, stopRequests } from '../lifecycle.ts'
import { createLogger } from '../logs.ts'
import { type Instance, startDuxnet } from '../start.ts'
import { type Command, exit, Failure } from './command.ts'

export const command: Command = {
  usage: `
duxnet start [options]

Runs DuxNet: embedded engines (or those of ESDB_URL and DATABASE_URL), commands, read models, processes, the API, and an agent
for this machine. Standard output says where to look, standard error is the log: for people on a terminal, JSON elsewhere.
SIGTERM or Ctrl-C ends it when its requests are answered, a second one at once.

${configHelp()}

A flag goes over its variable, which goes over duxnet.json.`,
  options: configOptions(),

  async run(values) {
    const { config, warnings } = loadConfig(values)
    const log = createLogger(config.logLevel)
    for (const warning of warnings) log.warn(warning)
    // Who started it may stop reading what it says; it goes on.
    process.stdout.removeAllListeners('error').on('error', () => {})
    const say = (line: string) => process.stdout.write(`${line}\n`)

    const stop = stopRequests()
    let instance: Instance | undefined
    try {
      instance = await startDuxnet(config, { log, progress: say, stopping: stop.signal })
      say(banner(instance, config))
      const failure = await Promise.race([instance.failed, aborted(stop.signal)])
      if (!(failure instanceof Error)) log.info({ reason: failure }, 'stopping')
      else throw new Failure(`${failure.message}; everything that was acknowledged is kept, start it again`, { cause: failure })
      return exit.done
    } catch (error) {
      if (stop.signal.aborted) return exit.done
      throw error
    } finally {
      const late = setTimeout(
        () => {
          log.error({ seconds: config.shutdownSeconds }, 'did not end in time, ending at once')
          process.exit(exit.failed)
        },
        (config.drainSeconds + config.shutdownSeconds) * 1000,
      )
      await instance?.stop()
      clearTimeout(late)
      stop.dispose()
    }
  },
}

function aborted(signal: AbortSignal): Promise<StopReason> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    signal.addEventListener('abort', () => resolve(signal.reason))
  })
}

function banner({ http, eventStore, networkId, networkKind }: Instance, { esdbUrl }: Config): string {
  const lines = [
    ['nodes', `${http}/v1/nodes`],
    ['API', `${http}/docs`],
    ['health', `${http}/readyz?verbose`],
    ...(eventStore ? [['event log', eventStore]] : []),
    ...(eventStore && esdbUrl === undefined ? [['its page', `http://${new URL(eventStore).host}/`]] : []),
    ['network', `${networkId} (${networkKind})`],
  ]
  return `\nDuxNet is running\n${lines.map(([what, where]) => `  ${what!.padEnd(9)}  ${where}`).join('\n')}\n`
}
