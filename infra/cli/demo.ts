import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { generateSeed, signerFrom } from '../../adapters/crypto/ed25519.ts'
import type { Signer } from '../../commands/ports.ts'
import { signCommand, signResult } from '../../commands/sign.ts'
import type { Json } from '../../domain/canonical.ts'
import { commitmentOf } from '../../domain/commitment.ts'
import { type NetworkClient, networkClient, Unavailable } from '../agent/client.ts'
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
      await demoEscrow(networkClient(await addressOf(values), limit))
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
async function demoEscrow(api: NetworkClient): Promise<void> {
  const { networkId, kind } = await api.network()
  if (kind !== 'test') throw new Failure(`${networkId} is no test network: its money is real`)
  const send = sender(api, networkId)
  const [client, provider] = [signerFrom(generateSeed()), signerFrom(generateSeed())]

  const clientWallet = await send(client, 'OpenWallet')
  const providerWallet = await send(provider, 'OpenWallet')
  say('WalletOpened', `the client's, ${clientWallet}`)
  say('WalletOpened', `the provider's, ${providerWallet}`)
  await send(client, 'IssueTestDeposit', clientWallet, { amount: deposit })
  say('TestDepositIssued', flop(deposit))

  const day = 86_400
  const escrowId = await send(client, 'OpenEscrow', undefined, {
    client: clientWallet,
    provider: providerWallet,
    amount,
    terms: commitmentOf(randomBytes(32), Buffer.from('one result, as agreed')),
    fallbackProviderPermille: 500,
    windows: { fund: day, start: day, deliver: day, accept: day, resolve: day },
  })
  const shown = eventsShown(api, escrowId)
  await send(client, 'PlaceHold', clientWallet, { escrowId })
  await shown('HoldCaptured')
  await send(provider, 'StartEscrow', escrowId)
  const resultHash = createHash('sha256').update('the result').digest('hex')
  await send(provider, 'DeliverResult', escrowId, {
    resultHash,
    signature: signResult(provider, { networkId, escrowId, resultHash }),
  })
  await send(client, 'ReleaseEscrow', escrowId, { resultHash })
  const released = await shown('EscrowReleased')
  await shown('CreditPosted')
  const fund = await until(async () => {
    const fund = await api.get('/v1/fund', fundSchema)
    return fund && fund.sweptToIndex >= released && fund
  })
  say('ContributionsSwept', `the fund holds ${flop(fund.balance)}`)

  const balanceOf = (walletId: string, posted: bigint) =>
    until(async () => {
      const account = await api.get(`/v1/ledger/accounts/wallet:${walletId}`, accountSchema)
      return account?.balance === String(posted) && account.balance
    })
  const contribution = BigInt(amount) / 20n
  process.stdout.write('\n')
  say('client', flop(await balanceOf(clientWallet, BigInt(deposit) - BigInt(amount))))
  say('provider', flop(await balanceOf(providerWallet, BigInt(amount) - contribution)))
  const { total, debits, credits } = await until(() => api.get('/v1/ledger/trial-balance', trialBalanceSchema))
  say('trial balance', `${total} (debits ${debits}, credits ${credits})`)
  if (total !== '0') throw new Failure('the books do not balance')
}

const fundSchema = z.object({ balance: z.string(), sweptToIndex: z.number() })
const accountSchema = z.object({ balance: z.string() })
const trialBalanceSchema = z.object({ total: z.string(), debits: z.string(), credits: z.string() })
const eventsSchema = z.object({
  events: z.array(z.object({ index: z.number(), event: z.object({ type: z.string(), stream: z.string() }) })),
})

/** Sends a command and resolves with its id. Without a subject it opens what has its id. Throws `Failure` when it is refused. */
function sender(api: NetworkClient, networkId: string) {
  return async (by: Signer, type: string, subject?: string, data: Record<string, Json> = {}): Promise<string> => {
    const commandId = randomUUID()
    const about = { type, subject: subject ?? commandId, data, commandId, issuedAt: new Date().toISOString(), audience: networkId }
    const refusal = await api.send(signCommand(by, about))
    if (refusal) throw new Failure(`${type} is refused: ${refusal.code}, ${refusal.message}`)
    return commandId
  }
}

/** Prints the events that touch an escrow, in the order of the log, until there is one of `type`; resolves with its index. */
function eventsShown(api: NetworkClient, escrowId: string): (type: string) => Promise<number> {
  const seen = new Map<string, number>()
  let last = -1
  return (type) =>
    until(async () => {
      const { events } = (await api.get(`/v1/events?subject=escrow:${escrowId}`, eventsSchema)) ?? { events: [] }
      for (const { index, event } of events.filter(({ index }) => index > last)) {
        say(event.type, `event ${index}, ${event.stream}`)
        seen.set(event.type, index)
        last = index
      }
      return seen.get(type)
    })
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
