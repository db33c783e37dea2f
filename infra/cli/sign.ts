import { randomUUID } from 'node:crypto'
import { createClient, Unavailable } from '../../api/client.ts'
import { handlerOf } from '../../commands/catalogue.ts'
import type { Signer } from '../../commands/ports.ts'
import { proveKey, proveWalletKey, signCommand, signResult } from '../../commands/sign.ts'
import { NotCanonical } from '../../domain/canonical.ts'
import { type Envelope, type SignedCommand, signedCommandSchema } from '../../domain/envelope.ts'
import { configOptions, loadConfig } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { readKey } from '../keys.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'

export const command: Command = {
  usage: `
duxnet sign --key FILE --type TYPE [--subject ID] [--data JSON] [options]

Signs a command and prints the envelope that POST /v1/commands and its aliases take:

  curl -d "$(npx duxnet sign --key my.key --type OpenWallet)" -H content-type:application/json http://127.0.0.1:8080/v1/wallets

  --key FILE       a key of duxnet keygen
  --type TYPE      such as OpenWallet; /docs lists them
  --subject ID     what the command is about; without it the command's own id, which is what it opens
  --data JSON      an object ({}). A DeliverResult without its signature gets it
  --new-key FILE   of a ChangeWalletKey or ChangeNodeKey: the key to change to, which proves itself
  --id UUID        the command's id (a new one); the same again is the same command again
  --network ID     the network that it is for; without it the one at --url, else the one that runs here
  --url URL        a DuxNet's API
  --config FILE    a JSON file of the configuration; its data directory, or DUXNET_DATA, is where one runs`,
  options: {
    ...configOptions([]),
    key: { type: 'string' },
    type: { type: 'string' },
    subject: { type: 'string' },
    data: { type: 'string' },
    'new-key': { type: 'string' },
    id: { type: 'string' },
    network: { type: 'string' },
    url: { type: 'string' },
  },

  async run(values) {
    const signer = readKey(needed(values, 'key'))
    const given = { type: needed(values, 'type'), data: dataOf(values), commandId: textOf(values, 'id') ?? randomUUID() }
    const subject = textOf(values, 'subject') ?? given.commandId
    const audience = await networkOf(values)
    const command = proven({ ...given, subject, audience, issuedAt: new Date().toISOString() }, signer, textOf(values, 'new-key'))
    process.stdout.write(`${JSON.stringify(sign(signer, checked(command)))}\n`)
    return exit.done
  },
}

function textOf(values: Values, option: string): string | undefined {
  const value = values[option]
  return typeof value === 'string' ? value : undefined
}

function needed(values: Values, option: string): string {
  const text = textOf(values, option)
  if (text === undefined) throw new UsageError(`--${option} is missing`)
  return text
}

function dataOf(values: Values): SignedCommand['data'] {
  const text = textOf(values, 'data') ?? '{}'
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--data is not JSON: ${(error as Error).message}`)
  }
}

async function networkOf(values: Values): Promise<string> {
  const network = textOf(values, 'network')
  if (network !== undefined) return network
  const url = textOf(values, 'url')
  // Here `--data` is the command's; the directory is the configuration's.
  if (url === undefined) return (await findRunning(loadConfig({ ...values, data: undefined }).config.data)).networkId!
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new UsageError(`--url: '${url}' is no http address`)
  try {
    return (await createClient({ url }).network()).networkId
  } catch (error) {
    if (error instanceof Unavailable) throw new Failure(error.message, { cause: error })
    throw error
  }
}

/** The command with the signatures that its data needs and does not have yet. */
function proven(command: SignedCommand, signer: Signer, newKeyFile: string | undefined): SignedCommand {
  const { type, subject, data, commandId, audience: networkId } = command
  if (newKeyFile !== undefined) {
    const next = readKey(newKeyFile)
    if (type === 'ChangeWalletKey')
      return { ...command, data: { ...data, ...proveWalletKey(next, { networkId, walletId: subject, commandId }) } }
    if (type === 'ChangeNodeKey')
      return { ...command, data: { ...data, ...proveKey(next, { networkId, nodeId: subject, commandId }) } }
    throw new UsageError(`--new-key: ${type} changes no key`)
  }
  const { resultHash, signature } = data ?? {}
  if (type !== 'DeliverResult' || typeof resultHash !== 'string' || signature !== undefined) return command
  return { ...command, data: { ...data, signature: signResult(signer, { networkId, escrowId: subject, resultHash }) } }
}

/** What would be refused for its form is not signed. A type that is none of the log's is somebody else's to check. */
function checked(command: SignedCommand): SignedCommand {
  const { error } = signedCommandSchema.safeParse(command)
  const data = error ? undefined : handlerOf(command.type)?.data.safeParse(command.data)
  const issue = error?.issues[0] ?? data?.error?.issues[0]
  if (issue) throw new UsageError([...(error ? [] : ['data']), ...issue.path, issue.message].join(' '))
  return command
}

function sign(signer: Signer, command: SignedCommand): Envelope {
  try {
    return signCommand(signer, command)
  } catch (error) {
    if (error instanceof NotCanonical) throw new UsageError(`${error.path} ${error.reason}`)
    throw error
  }
}
