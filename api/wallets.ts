import { z } from 'zod'
import { escrowStatuses } from '../domain/escrow/state.ts'
import { instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import { standingOrderSchema } from '../domain/wallet/events.ts'
import { escrowSummary } from '../projections/escrow-summary.ts'
import type { EventView } from '../projections/event-log.query.ts'
import { eventLog } from '../projections/event-log.ts'
import { type WalletView, walletView } from '../projections/wallet-balances.query.ts'
import { walletBalances } from '../projections/wallet-balances.ts'
import { escrowSchema } from './escrows.ts'
import { moneyExample } from './money-examples.ts'
import { newestPlace, numberPlace } from './paging.ts'
import { detail, list } from './query-routes.ts'
import { jsonText } from './reading.ts'
import type { Route } from './route.ts'
import { positionSchema } from './schemas.ts'

const tag = 'Wallets'
export const walletParams = z.strictObject({ id: uuidSchema })
export const walletUnknown = {
  code: 'WalletUnknown',
  details: ({ id }: z.infer<typeof walletParams>) => ({ walletId: id }),
} as const

export const walletSchema = z
  .strictObject({
    walletId: uuidSchema,
    owner: publicKeySchema.describe('Speaks for the wallet now'),
    posted: amountSchema.describe('Its balance'),
    held: amountSchema.describe('Of that, what is spoken for'),
    available: amountSchema.describe('`posted` less `held`: what can be spent'),
    shortfall: amountSchema.describe('What it owes to the network'),
    frozen: z.boolean().describe('While it owes, nothing goes out'),
    standingOrder: standingOrderSchema.nullable().describe('What airdrops credit leaves over the chain by it'),
    openedAt: instantSchema,
    openedPosition: positionSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Wallet' })

const transferSchema = z
  .strictObject({
    transferId: uuidSchema,
    from: uuidSchema,
    to: uuidSchema,
    amount: amountSchema,
    index: z.int().nonnegative().describe('Of the event in the log'),
    recordedAt: instantSchema,
    position: positionSchema,
  })
  .meta({ id: 'SentTransfer' })

function transferText({ index, recordedAt, position, canonical }: EventView): string {
  const { transferId, walletId: from, to, amount } = JSON.parse(canonical).data
  return jsonText({ transferId, from, to, amount, index, recordedAt, position })
}

function bodyOf({ walletId, owner, posted, held, available, shortfall, ...times }: WalletView) {
  return { walletId, owner, posted, held, available, shortfall, frozen: shortfall > 0n, ...times }
}

export const walletRoutes: readonly Route[] = [
  detail({
    path: '/v1/wallets/:id',
    tag,
    summary: 'A wallet and what is in it',
    projection: walletBalances,
    params: walletParams,
    schema: walletSchema,
    example: moneyExample.wallet,
    unknown: walletUnknown,
    read: (reads, { id }) => reads.findWallet(id),
    past: ({ id }) => ({ table: walletBalances.tables.wallets, key: id, subject: `wallet:${id}` }),
    fromRow: walletView,
    body: bodyOf,
  }),
  list({
    path: '/v1/wallets',
    tag,
    summary: 'Wallets, the newest first',
    projection: walletBalances,
    filter: { owner: publicKeySchema.optional().describe('Those that this key speaks for now') },
    field: 'wallets',
    item: walletSchema,
    example: moneyExample.wallet,
    place: newestPlace,
    read: ({ reads }, { filter, ...page }) => reads.listWallets({ ...filter, ...page }),
    text: (wallet) => jsonText(bodyOf(wallet)),
  }),
  list({
    path: '/v1/wallets/:id/escrows',
    tag,
    summary: 'The escrows of a wallet, on either side, the newest first',
    projection: escrowSummary,
    params: walletParams,
    filter: { status: z.enum(escrowStatuses).optional() },
    field: 'escrows',
    item: escrowSchema,
    example: moneyExample.escrow,
    place: newestPlace,
    read: ({ reads }, { params: { id: wallet }, filter, ...page }) => reads.listEscrows({ ...filter, wallet, ...page }),
  }),
  list({
    path: '/v1/wallets/:id/transfers',
    tag,
    summary: 'What a wallet sent to others, and others to it, the newest first',
    description: 'What was sent arrives a moment later; the statement shows when it did.',
    projection: eventLog,
    params: walletParams,
    filter: {},
    field: 'transfers',
    item: transferSchema,
    example: moneyExample.transfer,
    place: numberPlace,
    isHistory: true,
    read: ({ reads }, { params: { id }, ...page }) =>
      reads.subjectEvents(`wallet:${id}`, { ...page, descending: true }, ['TransferSent']),
    text: transferText,
  }),
]
