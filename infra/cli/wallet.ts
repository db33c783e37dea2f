import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { z } from 'zod'
import { coinsText } from '../../adapters/flopcoin/amount.ts'
import { chainNames } from '../../adapters/flopcoin/chains.ts'
import {
  accountOf,
  combinePayments,
  finishPayment,
  type PaymentSummary,
  signPayment,
  summaryOf,
} from '../../adapters/flopcoin/payment.ts'
import { treasuryPlanSchema, type Vault } from '../../adapters/flopcoin/vault.ts'
import { chainStore } from '../../adapters/postgres/private/chain.ts'
import { openPrivateStore } from '../../adapters/postgres/private/store.ts'
import { isUnavailable } from '../../adapters/postgres/unavailable.ts'
import type { ChainStore } from '../../commands/ports.ts'
import { uuidSchema } from '../../domain/ids.ts'
import { type Config, configHelp, configOptions, loadConfig, redact } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { parsed, requirePassphrase, type WalletFiles, walletFiles } from '../wallet/files.ts'
import { writeOnce } from '../write-once.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'

const keys = ['data', 'databaseUrl', 'walletPassphraseFile'] as const

export const command: Command = {
  usage: `
duxnet wallet init [KEY …] [--threshold M] [--keys N] [--chain NAME]
duxnet wallet show
duxnet wallet address WALLET
duxnet wallet backup FILE
duxnet wallet restore FILE
duxnet wallet export-unsigned FILE
duxnet wallet sign FILE --out FILE
duxnet wallet submit FILE

The treasury: M of N cosigners spend what it holds. init makes N keys here (1), sealed under the passphrase, and prints their public
halves; with --threshold it also writes the treasury of these and of the other cosigners' KEYs, which is the same on all machines.
Without --threshold a cosigner has keys to give away, and is told the treasury by another init.

Payments that wait for keys which are not here: export-unsigned writes them into a file, sign shows each and adds signatures on a
machine that needs no network, submit hands them to the running DuxNet.

  --threshold M  signatures that a payment needs
  --keys N       keys to make here; 0 for none
  --chain NAME   main, test or regtest (main)
  --out FILE     where sign writes what it signed; an existing file is not overwritten
${configHelp(keys)}

The passphrase is in DUXNET_WALLET_PASSPHRASE or in the file.`,
  options: {
    ...configOptions(keys),
    threshold: { type: 'string' },
    keys: { type: 'string' },
    chain: { type: 'string' },
    out: { type: 'string' },
  },
  positionals: { min: 1, max: Number.POSITIVE_INFINITY },

  async run(values, [action, ...rest]) {
    const { config } = loadConfig(values)
    const files = walletFiles(config)
    const one = () => {
      if (rest.length !== 1) throw new UsageError(`${action} takes one argument`)
      return rest[0]!
    }
    const actions: Record<string, () => Promise<void>> = {
      init: () => init(files, config, values, rest),
      show: () => show(files),
      address: async () => say(vaultOf(files).deposit(walletIdOf(one())).address),
      backup: () => files.backup(one(), requirePassphrase(config)),
      restore: () => files.restore(one(), requirePassphrase(config)),
      'export-unsigned': () => withStore(config, (store) => exportUnsigned(vaultOf(files), store, one())),
      sign: () => sign(files, config, one(), values.out),
      submit: () => withStore(config, (store) => submit(vaultOf(files), store, one())),
    }
    if (!Object.hasOwn(actions, action!))
      throw new UsageError(`there is no '${action}'; there are ${Object.keys(actions).join(', ')}`)
    await actions[action!]!()
    return exit.done
  },
}

const say = (line: string) => void process.stdout.write(`${line}\n`)

async function init(files: WalletFiles, config: Config, values: Values, others: readonly string[]): Promise<void> {
  const chain = z.enum(chainNames).safeParse(values.chain ?? 'main').data
  if (!chain) throw new UsageError(`--chain must be one of ${chainNames.join(', ')}`)
  const count = numberOf(values.keys, '--keys', 0) ?? 1
  const threshold = numberOf(values.threshold, '--threshold', 1)
  const passphrase = count || files.hasKeys() ? requirePassphrase(config) : ''
  const seeds = files.hasKeys() ? await files.seeds(passphrase) : count ? await files.makeKeys(count, passphrase) : []
  const own = seeds.map((seed) => accountOf(seed, chain).publicExtendedKey)
  for (const key of own) say(key)
  if (threshold === undefined) return
  const plan = treasuryPlanSchema.safeParse({
    format: 'duxnet-treasury-v1',
    chain,
    threshold,
    cosigners: [...new Set([...own, ...others])].sort(),
  })
  if (!plan.success) throw new UsageError(z.prettifyError(plan.error))
  files.writePlan(plan.data)
  await show(files)
}

function numberOf(value: string | boolean | undefined, option: string, min: number): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string' || !/^\d{1,2}$/.test(value) || Number(value) < min)
    throw new UsageError(`${option} must be a number from ${min} to 15`)
  return Number(value)
}

async function show(files: WalletFiles): Promise<void> {
  const { plan, change } = vaultOf(files)
  say(`${plan.threshold} of ${plan.cosigners.length} on ${plan.chain}, change to ${change.address}`)
  for (const key of plan.cosigners) say(`  ${key}`)
}

function vaultOf(files: WalletFiles): Vault {
  const vault = files.vault()
  if (!vault) throw new Failure(`there is no treasury in ${files.planPath}; duxnet wallet init makes one`)
  return vault
}

function walletIdOf(text: string): string {
  const { data } = uuidSchema.safeParse(text)
  if (data === undefined) throw new UsageError(`${text} is no wallet's id`)
  return data
}

/** Payments on their way between machines. */
const unsignedSchema = z.strictObject({
  format: z.literal('duxnet-unsigned-v2'),
  payments: z.array(
    z.strictObject({
      paymentId: uuidSchema,
      attempt: z.int().positive(),
      /** BIP 174. */
      psbt: z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64')),
    }),
  ),
})

type Unsigned = z.output<typeof unsignedSchema>['payments'][number]

function writeUnsigned(path: string, payments: readonly Unsigned[]): void {
  const text = payments.map(({ psbt, ...payment }) => ({ ...payment, psbt: Buffer.from(psbt).toString('base64') }))
  mkdirSync(dirname(path), { recursive: true })
  writeOnce(path, `${JSON.stringify({ format: 'duxnet-unsigned-v2', payments: text }, null, 2)}\n`)
}

async function exportUnsigned(vault: Vault, store: ChainStore, path: string): Promise<void> {
  const waiting = await unsignedOf(store)
  writeUnsigned(path, waiting)
  for (const payment of waiting) say(lineOf(payment, summary(vault, payment), vault))
  say(`${waiting.length} payments wait for signatures`)
}

/** Attempts that are not complete, with the signatures that they have. */
async function unsignedOf(store: ChainStore): Promise<readonly Unsigned[]> {
  return (await store.unsigned()).flatMap(({ paymentId, attempts }) =>
    attempts.filter(({ signed }) => !signed).map(({ attempt, psbt }) => ({ paymentId, attempt, psbt })),
  )
}

async function sign(files: WalletFiles, config: Config, path: string, out: Values[string]): Promise<void> {
  if (typeof out !== 'string') throw new UsageError('sign needs --out')
  const vault = vaultOf(files)
  const accounts = (await files.seeds(requirePassphrase(config))).map((seed) => accountOf(seed, vault.plan.chain))
  const { payments } = parsed(path, unsignedSchema)
  const signed = payments.map((payment) => {
    summary(vault, payment)
    return { ...payment, psbt: signPayment(vault, payment.psbt, accounts) }
  })
  for (const payment of signed) say(lineOf(payment, summary(vault, payment), vault))
  writeUnsigned(out, signed)
}

async function submit(vault: Vault, store: ChainStore, path: string): Promise<void> {
  const waiting = await unsignedOf(store)
  for (const payment of parsed(path, unsignedSchema).payments) {
    const { paymentId, attempt } = payment
    const kept = waiting.find((one) => one.paymentId === paymentId && one.attempt === attempt)
    if (!kept) {
      say(`${paymentId} waits for no signature`)
      continue
    }
    const psbt = combined(kept, payment)
    if (!(await store.keepSignatures(paymentId, { attempt, psbt, signed: finishPayment(vault, psbt) }, kept.psbt)))
      throw new Failure(`the payment ${paymentId} got other signatures at this moment; submit the file again`)
    say(lineOf(payment, summary(vault, { ...payment, psbt }), vault))
  }
}

function combined(kept: Unsigned, given: Unsigned): Uint8Array {
  try {
    return combinePayments([kept.psbt, given.psbt])
  } catch (error) {
    throw new Failure(`the file's payment ${kept.paymentId} is not the one that waits here: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function summary(vault: Vault, { paymentId, psbt }: Unsigned): PaymentSummary {
  try {
    return summaryOf(vault, psbt)
  } catch (error) {
    throw new Failure(`the payment ${paymentId} is damaged or not this treasury's: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function lineOf({ paymentId }: Unsigned, { outputs, change, fee, signatures }: PaymentSummary, { plan }: Vault): string {
  const paid = outputs.map(({ address, amount }) => `${coinsText(amount)} to ${address}`).join(', ')
  return `${paymentId}: ${paid}; fee ${coinsText(fee)}, change ${coinsText(change)}; ${signatures} of ${plan.threshold} signatures`
}

/** The private store of the running instance, or of `DATABASE_URL`. */
async function withStore(config: Config, work: (store: ChainStore) => Promise<void>): Promise<void> {
  const url = config.databaseUrl ?? (await findRunning(config.data)).database
  if (url === undefined) throw new Failure(`the DuxNet on ${config.data} runs without Postgres`)
  const store = openPrivateStore({ url })
  try {
    await work(chainStore(store))
  } catch (error) {
    if (isUnavailable(error)) throw new Failure(`${redact(url)}: ${(error as Error).message}`, { cause: error })
    throw error
  } finally {
    await store.close()
  }
}
