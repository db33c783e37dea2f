// The files of a treasury in the data directory: `wallet/treasury.json`, which everybody may read, and `wallet/keys.sealed`.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { SealDamaged, seal, unseal, WrongPassphrase } from '../../adapters/crypto/sealed.ts'
import { openVault, type TreasuryPlan, treasuryPlanSchema, type Vault } from '../../adapters/flopcoin/vault.ts'
import { Failure, UsageError } from '../cli/command.ts'
import type { Config } from '../config.ts'
import { writeOnce } from '../write-once.ts'

/** Seeds of cosigners' keys; whoever has as many as the threshold can spend. */
const seedsSchema = z.strictObject({
  format: z.literal('duxnet-seeds-v1'),
  seeds: z.array(z.base64().transform((text): Uint8Array => Buffer.from(text, 'base64'))).min(1),
})

const backupSchema = z.strictObject({
  format: z.literal('duxnet-wallet-backup-v1'),
  /** The text of `keys.sealed`, as it is. */
  keys: z.string(),
  treasury: treasuryPlanSchema.optional(),
})

const seedBytes = 32

export interface WalletFiles {
  readonly planPath: string
  readonly keysPath: string
  hasKeys(): boolean
  /** Undefined where there is none. Throws `Failure` for one that cannot be read. */
  vault(): Vault | undefined
  writePlan(plan: TreasuryPlan): void
  /** Makes `count` seeds and keeps them under `passphrase`. Throws `Failure` where there are keys already. */
  makeKeys(count: number, passphrase: string): Promise<readonly Uint8Array[]>
  /** Throws `Failure`, which tells a wrong passphrase from a damaged file. */
  seeds(passphrase: string): Promise<readonly Uint8Array[]>
  /** Copies keys, as sealed as they are, and plan into one new file, once the passphrase was seen to open them. */
  backup(path: string, passphrase: string): Promise<void>
  /** Brings them back where there are none. */
  restore(path: string, passphrase: string): Promise<void>
}

export function walletFiles({ data }: Pick<Config, 'data'>): WalletFiles {
  const planPath = join(data, 'wallet', 'treasury.json')
  const keysPath = join(data, 'wallet', 'keys.sealed')
  const prepare = () => mkdirSync(dirname(planPath), { recursive: true, mode: 0o700 })

  function vault(): Vault | undefined {
    if (!existsSync(planPath)) return undefined
    const plan = parsed(planPath, treasuryPlanSchema)
    try {
      return openVault(plan)
    } catch (error) {
      throw new Failure(`${planPath}: ${(error as Error).message}`, { cause: error })
    }
  }

  function writePlan(plan: TreasuryPlan): void {
    prepare()
    writeOnce(planPath, `${JSON.stringify(plan, null, 2)}\n`)
  }

  return {
    planPath,
    keysPath,
    hasKeys: () => existsSync(keysPath),
    vault,
    writePlan,
    async makeKeys(count, passphrase) {
      const seeds = Array.from({ length: count }, () => randomBytes(seedBytes))
      const text = { format: 'duxnet-seeds-v1', seeds: seeds.map((seed) => seed.toString('base64')) }
      prepare()
      writeOnce(keysPath, await seal(Buffer.from(JSON.stringify(text)), passphrase))
      return seeds
    },
    seeds: (passphrase) => opened(keysPath, read(keysPath), passphrase),
    async backup(path, passphrase) {
      const keys = read(keysPath)
      await opened(keysPath, keys, passphrase)
      const treasury = vault()?.plan
      const text = { format: 'duxnet-wallet-backup-v1', keys, ...(treasury && { treasury }) }
      writeOnce(path, `${JSON.stringify(text, null, 2)}\n`)
    },
    async restore(path, passphrase) {
      const { keys, treasury } = parsed(path, backupSchema)
      await opened(path, keys, passphrase)
      if (existsSync(keysPath) || existsSync(planPath))
        throw new Failure(`there is a wallet in ${dirname(keysPath)} already; it is not overwritten`)
      prepare()
      writeOnce(keysPath, keys)
      if (treasury) writePlan(treasury)
    },
  }
}

/** Where the passphrase is: a file or the environment, never the command line, which others can see. */
export function passphraseOf(
  { walletPassphraseFile }: Pick<Config, 'walletPassphraseFile'>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (walletPassphraseFile !== undefined) return read(walletPassphraseFile).replace(/\r?\n$/, '')
  return env.DUXNET_WALLET_PASSPHRASE || undefined
}

/** Throws `UsageError` where there is none. */
export function requirePassphrase(config: Pick<Config, 'walletPassphraseFile'>): string {
  const passphrase = passphraseOf(config)
  if (passphrase === undefined)
    throw new UsageError(
      'the passphrase is missing: DUXNET_WALLET_PASSPHRASE has it, or DUXNET_WALLET_PASSPHRASE_FILE names its file',
    )
  return passphrase
}

async function opened(path: string, sealed: string, passphrase: string): Promise<readonly Uint8Array[]> {
  try {
    return seedsSchema.parse(JSON.parse(Buffer.from(await unseal(sealed, passphrase)).toString())).seeds
  } catch (error) {
    if (error instanceof SealDamaged)
      throw new Failure(`${path} is damaged: ${error.message}; a backup brings the keys back`, { cause: error })
    if (error instanceof WrongPassphrase) throw new Failure(`the passphrase does not open ${path}`, { cause: error })
    throw error
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Failure(`${path} cannot be read: ${(error as Error).message}`, { cause: error })
  }
}

/** A JSON file of a schema. Throws `Failure`. */
export function parsed<T extends z.ZodType>(path: string, schema: T): z.output<T> {
  try {
    return schema.parse(JSON.parse(read(path)))
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(
      `${path} is damaged or no such file: ${error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message}`,
      {
        cause: error,
      },
    )
  }
}
