import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import { type Client, createClient, type Heard, type Outcome, Refused, Unavailable } from '../../api/client.ts'
import type { CommandData, CommandType } from '../../commands/catalogue.ts'
import type { Signer } from '../../commands/ports.ts'
import { signResult } from '../../commands/sign.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { configHelp, configOptions, loadConfig } from '../config.ts'
import { findRunning } from '../data-directory.ts'
import { type Command, exit, Failure, UsageError, type Values } from './command.ts'

const keys = ['data'] as const
const limitMs = 60_000

export const command: Command = {
  usage: `
duxnet demo escrow [--url URL]

Goes through an escrow at a running DuxNet, on a test network: two new keys with a wallet each, test money, an escrow, its hold, start,
delivery and release. Prints every event as it becomes visible, and at the end the balances, the fund and the trial balance. Exit code:
0 when all of it is visible.

  --url URL  address of its API; without it the one that runs here
${configHelp(keys)}`,
  options: { ...configOptions(keys), url: { type: 'string' } },
  positionals: { min: 1, max: 1 },

  async run(values, [what]) {
    if (what !== 'escrow') throw new UsageError(`there is no 'demo ${what}'; there is escrow`)
    const limit = AbortSignal.timeout(limitMs)
    try {
      await demoEscrow(createClient({ url: await addressOf(values), signal: limit }))
      return exit.done
    } catch (error) {
      if (limit.aborted) throw new Failure(`not all of it was visible after ${limitMs / 1000} s`)
      if (error instanceof Unavailable) throw new Failure(error.message, { cause: error })
      throw error
    }
  },
}

async function addressOf(values: Values): Promise<string> {
  if (typeof values.url === 'string') {
    if (!URL.canParse(values.url) || !/^https?:$/.test(new URL(values.url).protocol))
      throw new UsageError(`--url: '${values.url}' is no http address`)
    return values.url
  }
  const { config } = loadConfig(values)
  const { http } = await findRunning(config.data)
  if (http === undefined) throw new Failure(`the DuxNet on ${config.data} has no API`)
  return http
}

/** In minor units, as the API has them. */
const deposit = '100000000000'
const amount = '40000000000'

/** Works as long as the client's signal lets it. Throws `Failure` for what is refused, and `Unavailable`. */
async function demoEscrow(api: Client): Promise<void> {
  const { networkId, kind } = await api.network()
  if (kind !== 'test') throw new Failure(`${networkId} is no test network: its money is real`)
  const send = sender(api)
  const [client, provider] = [signerFrom(generateSeed()), signerFrom(generateSeed())]

  const { commandId: clientWallet } = await send(client, 'OpenWallet', {})
  const { commandId: providerWallet } = await send(provider, 'OpenWallet', {})
  say('WalletOpened', `the client's, ${clientWallet}`)
  say('WalletOpened', `the provider's, ${providerWallet}`)
  await send(client, 'IssueTestDeposit', { amount: deposit }, clientWallet)
  say('TestDepositIssued', flop(deposit))

  const day = 86_400
  const { commandId: escrowId, position: openedAt } = await send(client, 'OpenEscrow', {
    client: clientWallet,
    provider: providerWallet,
    amount,
    terms: commitmentOf(randomBytes(32), Buffer.from('one result, as agreed')),
    fallbackProviderPermille: 500,
    windows: { fund: day, start: day, deliver: day, accept: day, resolve: day },
  })
  await using events = api.subscribe({ subjects: [`escrow:${escrowId}`], from: BigInt(openedAt!) - 1n })
  const shown = eventsShown(events)
  await send(client, 'PlaceHold', { escrowId }, clientWallet)
  await shown('HoldCaptured')
  await send(provider, 'StartEscrow', {}, escrowId)
  const resultHash = createHash('sha256').update('the result').digest('hex')
  const signature = signResult(provider, { networkId, escrowId, resultHash })
  await send(provider, 'DeliverResult', { resultHash, signature }, escrowId)
  await send(client, 'ReleaseEscrow', { resultHash }, escrowId)
  const released = await shown('EscrowReleased')
  await shown('CreditPosted')
  const fund = await until(async () => {
    const fund = await api.get('/v1/fund', fundSchema.parse)
    return fund && fund.sweptToIndex >= released && fund
  })
  say('ContributionsSwept', `the fund holds ${flop(fund.balance)}`)

  const balanceOf = (walletId: string, posted: bigint) =>
    until(async () => {
      const account = await api.get(`/v1/ledger/accounts/wallet:${walletId}`, accountSchema.parse)
      return account?.balance === String(posted) && account.balance
    })
  const contribution = BigInt(amount) / 20n
  process.stdout.write('\n')
  say('client', flop(await balanceOf(clientWallet, BigInt(deposit) - BigInt(amount))))
  say('provider', flop(await balanceOf(providerWallet, BigInt(amount) - contribution)))
  const { total, debits, credits } = await until(() => api.get('/v1/ledger/trial-balance', trialBalanceSchema.parse))
  say('trial balance', `${total} (debits ${debits}, credits ${credits})`)
  if (total !== '0') throw new Failure('the books do not balance')
}

const fundSchema = z.object({ balance: z.string(), sweptToIndex: z.number() })
const accountSchema = z.object({ balance: z.string() })
const trialBalanceSchema = z.object({ total: z.string(), debits: z.string(), credits: z.string() })

/** Sends a command; without a subject it opens what has its id. Throws `Failure` when it is refused. */
function sender(api: Client) {
  return async <Type extends CommandType>(
    signer: Signer,
    type: Type,
    data: CommandData<Type>,
    subject?: string,
  ): Promise<Outcome> => {
    try {
      return await api.send(type, data, { signer, ...(subject !== undefined && { subject }) })
    } catch (error) {
      if (error instanceof Refused) throw new Failure(`${type} is refused: ${error.code}, ${error.message}`)
      throw error
    }
  }
}

/** Prints the events that are heard until there is one of `type`; resolves with its index. */
function eventsShown(events: AsyncIterator<Heard>): (type: Heard['event']['type']) => Promise<number> {
  const seen = new Map<string, number>()
  return async (type) => {
    while (!seen.has(type)) {
      const { value, done } = await events.next()
      if (done) throw new Error('the feed has ended')
      const { index, event } = value as Heard
      say(event.type, `event ${index}, ${event.stream}`)
      seen.set(event.type, index)
    }
    return seen.get(type)!
  }
}

/** Looks until there is something; the signal of whoever looks ends it. */
async function until<Found>(look: () => Promise<Found | undefined | false>): Promise<Found> {
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    await sleep(50)
  }
}

function say(what: string, detail: string): void {
  process.stdout.write(`${what.padEnd(20)} ${detail}\n`)
}

/** 1 FLOP is 10⁸ minor units. */
function flop(units: string): string {
  const digits = units.padStart(9, '0')
  return `${digits.slice(0, -8)}.${digits.slice(-8)} FLOP`
}
