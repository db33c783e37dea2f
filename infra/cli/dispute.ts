import { verifySignature } from '../../adapters/crypto/ed25519.ts'
import { BundleInvalid, type Judgement, judgeBundle } from '../../commands/dispute-bundle.ts'
import { type Command, exit, Failure, UsageError } from './command.ts'
import { readJsonFile } from './json-file.ts'

export const command: Command = {
  usage: `
duxnet dispute verify BUNDLE

Judges what GET /v1/escrows/{id}/dispute-bundle gave, from the file alone: every leaf hash, signature, event id, decision and
amount. It asks nobody. Exit code: 0 all of it holds, 1 something does not.`,
  options: {},
  positionals: { min: 2, max: 2 },

  async run(_values, [action, path]) {
    if (action !== 'verify') throw new UsageError(`there is no 'dispute ${action}'; there is verify`)
    try {
      process.stdout.write(textOf(await judgeBundle(readJsonFile(path!), verifySignature)))
      return exit.done
    } catch (error) {
      if (error instanceof BundleInvalid) throw new Failure(`${path}: ${error.message}`)
      throw error
    }
  },
}

function textOf({ networkId, kind, events, escrow, legs, contribution }: Judgement): string {
  const { escrowId, client, provider, status, amount, rest } = escrow
  const lines = [
    `escrow       ${escrowId}`,
    `network      ${networkId} (${kind})`,
    `client       wallet ${client}`,
    `provider     wallet ${provider}`,
    `status       ${status}`,
    `amount       ${amount}`,
    ...legs.map(
      ({ leg, to, amount, creditedAt }) => `paid         ${amount} as ${leg} to wallet ${to}, ${settled('credited', creditedAt)}`,
    ),
    ...(contribution
      ? [`contributed  ${contribution.amount} to the community fund, ${settled('swept', contribution.sweptAt)}`]
      : []),
    `left         ${rest}`,
    `verified     ${events} events: every leaf, signature, id, decision and amount`,
  ]
  return `${lines.join('\n')}\n`
}

function settled(how: string, index: number | undefined): string {
  return index === undefined ? `not yet ${how}` : `${how} by event ${index}`
}
