import { z } from 'zod'
import { instantSchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { eventLog } from '../projections/event-log.ts'
import { walletBalances } from '../projections/wallet-balances.ts'
import type { Balance, Statement } from '../projections/wallet-statement.query.ts'
import { asOfParameter, latest, positionAsOf } from './as-of.ts'
import type { Deps } from './deps.ts'
import { explained, explanationSchema } from './explain.ts'
import { moneyExample } from './money-examples.ts'
import { numberPlace, readPlaces } from './paging.ts'
import { ApiProblem } from './problem.ts'
import {
  afterParameter,
  jsonText,
  listProblems,
  many,
  nextSchema,
  pageParameters,
  positionOf,
  readAt,
  readHeaders,
  readProblems,
} from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'
import { factOf } from './subject-events.ts'

const params = z.strictObject({ id: uuidSchema })
const index = z.int().nonnegative()
const figure = z.string().regex(/^(0|-?[1-9]\d*)$/)
const change = z.strictObject({ posted: figure, held: figure, shortfall: figure })
const balance = z.strictObject({ posted: amountSchema, held: amountSchema, shortfall: amountSchema, available: amountSchema })

const statementSchema = z
  .strictObject({
    walletId: uuidSchema,
    balance: balance.describe('As it stands, or as it stood at `asOf`; whatever `from` and `to` are'),
    entries: z.array(
      z.strictObject({
        index: index.describe('Of the event in the log'),
        revision: index.describe("Of the event in the wallet's stream"),
        type: z.string(),
        change: change.describe('By how much the event changed each'),
        balance: balance.describe('After it'),
        kind: z
          .enum(['test_deposit', 'deposit', 'escrow', 'transfer', 'spending', 'airdrop', 'withdrawal'])
          .describe('What it was for'),
        reference: z.string().describe('Its id'),
        other: uuidSchema.nullable().describe('Of a transfer: the wallet on the other side'),
        recordedAt: instantSchema,
        position: positionSchema,
      }),
    ),
    next: nextSchema,
  })
  .meta({ id: 'Statement' })

const partSchema = z.strictObject({
  type: z.string(),
  events: z.int().positive(),
  ...change.shape,
  firstIndex: index.describe('Of the first of them in the log'),
  lastIndex: index,
})

const explanation = explanationSchema(
  'BalanceExplanation',
  z.strictObject({ walletId: uuidSchema, balance: balance.describe('The sum of the contributions') }),
  partSchema,
)

/** The first and the last event of each part, in the order of the log: of some types there are thousands. */
async function ends(deps: Deps, parts: readonly { readonly firstIndex: number; readonly lastIndex: number }[]) {
  const indexes = [...new Set(parts.flatMap(({ firstIndex, lastIndex }) => [firstIndex, lastIndex]))].sort(
    (one, other) => one - other,
  )
  const reads = indexes.map((index) => readAt(deps, eventLog, undefined, () => deps.reads.eventsBetween(index, index + 1, 1)))
  return (await Promise.all(reads)).flatMap(({ value }) => value)
}

const withAvailable = (balance: Balance) => ({ ...balance, available: balance.posted - balance.held })

export const walletStatementRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/wallets/:id/statement',
    tag: 'Wallets',
    summary: 'Every change of what is in a wallet, with the balance after it',
    params,
    query: z.strictObject({
      order: z.enum(['asc', 'desc']).optional().describe('`desc`, the newest first, unless given'),
      from: instantSchema.optional().describe('Recorded then or later'),
      to: instantSchema.optional().describe('Recorded before'),
      ...asOfParameter,
      ...pageParameters,
      ...afterParameter,
    }),
    successes: {
      200: { description: 'A page of it', schema: statementSchema, example: moneyExample.statement, headers: readHeaders },
    },
    problems: ['WalletUnknown', ...listProblems],
    lane: 'query',
    async handle({ params: { id }, query: { order = 'desc', from, to, asOf, after, ...query } }, deps) {
      const at = await positionAsOf(deps, asOf)
      let statement: Statement | undefined
      const list = {
        identity: ['statement', id, order, from, to, asOf],
        projection: walletBalances,
        place: numberPlace,
        async read(page: { readonly limit: number; readonly after: number | undefined }) {
          const { value, ...place } = await deps.reads.walletStatement(
            id,
            { ...page, descending: order === 'desc' },
            { from, to, asOf: at },
          )
          statement = value
          return { value: value?.entries ?? { items: [], next: undefined }, ...place }
        },
      }
      const page = await readPlaces(deps, list, { ...query, after: latest(at, after) })
      if (!statement) throw new ApiProblem('WalletUnknown', { walletId: id }, positionOf(page))
      const entries = page.value.map((entry) => ({ ...entry, balance: withAvailable(entry.balance) }))
      return many(page, jsonText({ walletId: id, balance: withAvailable(statement.balance), entries, next: page.next }))
    },
  }),
  route({
    method: 'GET',
    path: '/v1/wallets/:id/explain',
    tag: 'Wallets',
    summary: 'Of which events a balance is made',
    description:
      'Each of them is a line of the statement, and a raw event of `GET /v1/events?subject=wallet:{id}`; of each type the first and the last are here, with proofs.',
    params,
    query: z.strictObject({ ...asOfParameter, ...afterParameter }),
    successes: {
      200: {
        description: 'The parts',
        schema: explanation,
        example: moneyExample.balanceExplanation,
        headers: readHeaders,
      },
    },
    problems: ['WalletUnknown', ...readProblems],
    lane: 'query',
    async handle({ params: { id }, query: { asOf, after } }, deps) {
      const at = await positionAsOf(deps, asOf)
      const found = await readAt(deps, walletBalances, latest(at, after), () => deps.reads.explainBalance(id, at))
      if (!found.value) throw new ApiProblem('WalletUnknown', { walletId: id }, positionOf(found))
      const { walletId, balance, parts } = found.value
      const events = await ends(deps, parts)
      const policyVersion = events.length ? factOf(events.at(-1)!).metadata.policyVersion : 1
      const value = { walletId, balance: withAvailable(balance) }
      return explained(found, { subject: `wallet:${id}`, value, contributions: parts, policyVersion, events }, deps)
    },
  }),
]
