import { z } from 'zod'
import { instantSchema } from '../domain/ids.ts'
import { clearingAccounts } from '../domain/ledger.ts'
import { amountSchema } from '../domain/money.ts'
import { type OpenItem, openItemsMax, type TrialBalance } from '../projections/ledger.query.ts'
import { ledger } from '../projections/ledger.ts'
import { asOfParameter, latest, positionAsOf } from './as-of.ts'
import { moneyExample } from './money-examples.ts'
import { numberPlace } from './paging.ts'
import { detail, list } from './query-routes.ts'
import { afterParameter, jsonText, many, readAt, readHeaders, readProblems } from './reading.ts'
import { type Route, route } from './route.ts'
import { positionSchema } from './schemas.ts'

const tag = 'Ledger'
const accountName = z
  .string()
  .regex(/^[a-z]+(:[a-z0-9-]{1,64})?$/, 'must be an account: wallet:<id>, escrow:<id>, fund, clearing:fund …')
const figure = z.string().regex(/^(0|-?[1-9]\d*)$/, 'must be a figure: decimal digits, minor units')

const accountSchema = z
  .strictObject({
    account: accountName,
    balance: figure.describe('Credits less debits'),
    debits: amountSchema,
    credits: amountSchema,
    entries: z.int().nonnegative(),
    changedPosition: positionSchema,
  })
  .meta({ id: 'Account' })

const entrySchema = z
  .strictObject({
    index: z.int().nonnegative().describe('Of the event in the log'),
    line: z.int().nonnegative().describe('Of the entry in its event, whose entries sum to zero'),
    account: accountName,
    amount: figure.describe('A credit when positive, a debit when negative'),
    item: z.string().nullable().describe('On a clearing account: what is on its way'),
    type: z.string().describe("The event's"),
    stream: z.string(),
    revision: z.int().nonnegative(),
    recordedAt: instantSchema,
    position: positionSchema,
  })
  .meta({ id: 'LedgerEntry' })

const totals = { balance: figure, debits: amountSchema, credits: amountSchema }

const trialBalanceSchema = z
  .strictObject({
    total: figure.describe('Of all accounts: always 0'),
    debits: amountSchema,
    credits: amountSchema,
    accounts: z
      .array(z.strictObject({ kind: z.string(), ...totals }))
      .describe('By kind: `wallet`, `escrow`, `shortfall` and `airdrop` are all accounts of that kind'),
    clearing: z
      .array(
        z.strictObject({
          account: z.enum(clearingAccounts),
          ...totals,
          openCount: z.int().nonnegative(),
          openItems: z
            .array(
              z.strictObject({
                item: z.string(),
                amount: amountSchema,
                openedAt: instantSchema,
                ageSeconds: z.int().nonnegative(),
                openedIndex: z.int().nonnegative(),
                openedPosition: positionSchema,
              }),
            )
            .describe(`The oldest, ${openItemsMax} at most; they sum to the balance`),
        }),
      )
      .describe('Money on its way'),
    position: positionSchema.or(z.literal('-1')).describe('Of the last event that is in it'),
  })
  .meta({ id: 'TrialBalance' })

function trialBalanceOf({ clearing, ...balance }: TrialBalance, position: bigint, now: Date) {
  const aged = (item: OpenItem) => ({
    ...item,
    ageSeconds: Math.max(0, Math.floor((now.getTime() - Date.parse(item.openedAt)) / 1000)),
  })
  const lines = clearing.map(({ kind: account, openItems, ...line }) => ({ account, ...line, openItems: openItems.map(aged) }))
  return { ...balance, clearing: lines, position }
}

function entryOf({
  kind: _kind,
  sweptToIndex: _swept,
  ...entry
}: {
  readonly kind: string
  readonly sweptToIndex: number | null
}): string {
  return jsonText(entry)
}

export const ledgerRoutes: readonly Route[] = [
  list({
    path: '/v1/ledger/accounts',
    tag,
    summary: 'The accounts of the ledger, by name',
    projection: ledger,
    filter: {
      prefix: accountName
        .or(z.string().regex(/^[a-z]+:$/))
        .optional()
        .describe('Those whose name begins so: `wallet:`'),
    },
    field: 'accounts',
    item: accountSchema,
    example: moneyExample.account,
    place: accountName,
    async read({ reads }, { filter, ...page }) {
      const { value, ...place } = await reads.listAccounts({ ...filter, ...page })
      return { value: { items: value.accounts, next: value.next }, ...place }
    },
  }),
  detail({
    path: '/v1/ledger/accounts/:account',
    tag,
    summary: 'An account',
    projection: ledger,
    params: z.strictObject({ account: accountName }),
    schema: accountSchema,
    example: moneyExample.account,
    unknown: { code: 'AccountUnknown', details: ({ account }) => ({ account }) },
    read: (reads, { account }) => reads.findAccount(account),
  }),
  list({
    path: '/v1/ledger/accounts/:account/entries',
    tag,
    summary: 'What was booked on an account, the newest first',
    description: 'All entries of one event stand on the same page, so that a page may hold a few more than `limit` events.',
    projection: ledger,
    params: z.strictObject({ account: accountName }),
    filter: {},
    field: 'entries',
    item: entrySchema,
    example: moneyExample.entry,
    place: numberPlace,
    isHistory: true,
    read: ({ reads }, { params: { account }, ...page }) => reads.accountEntries(account, { ...page, descending: true }),
    text: entryOf,
  }),
  list({
    path: '/v1/ledger/entries',
    tag,
    summary: 'What was booked on all accounts, the newest first',
    description: '`limit` counts events; all entries of one stand on the same page.',
    projection: ledger,
    filter: {},
    field: 'entries',
    item: entrySchema,
    example: moneyExample.entry,
    place: numberPlace,
    isHistory: true,
    read: ({ reads }, page) => reads.ledgerEntries({ ...page, descending: true }),
    text: entryOf,
  }),
  route({
    method: 'GET',
    path: '/v1/ledger/trial-balance',
    tag,
    summary: 'All accounts add up to zero, and what is on its way is named',
    description: 'The ETag is weak, for position and ages are not part of it.',
    query: z.strictObject({ ...asOfParameter, ...afterParameter }),
    successes: {
      200: {
        description: 'The trial balance',
        schema: trialBalanceSchema,
        example: moneyExample.trialBalance,
        headers: readHeaders,
      },
    },
    problems: readProblems,
    lane: 'query',
    async handle({ query: { asOf, after } }, deps) {
      const at = await positionAsOf(deps, asOf)
      const found = await readAt(deps, ledger, latest(at, after), () => deps.reads.trialBalance(at))
      const answer = many(found, jsonText(found.value))
      const body = jsonText(trialBalanceOf(found.value, at ?? found.position, deps.clock()))
      // Position and ages are no part of it; no cache may go on showing old ones.
      return { ...answer, body, etag: `W/${answer.etag}`, headers: { ...answer.headers, 'cache-control': 'no-store' } }
    },
  }),
]
