import { z } from 'zod'
import { instantSchema, publicKeySchema, uuidSchema } from '../domain/ids.ts'
import { amountSchema } from '../domain/money.ts'
import type { WalletView } from '../projections/wallet-balances.query.ts'
import { walletBalances } from '../projections/wallet-balances.ts'
import { moneyExample } from './money-examples.ts'
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
    openedAt: instantSchema,
    openedPosition: positionSchema,
    changedAt: instantSchema,
    changedPosition: positionSchema,
  })
  .meta({ id: 'Wallet' })

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
    place: z.strictObject({ at: instantSchema, id: uuidSchema }),
    read: ({ reads }, { filter, ...page }) => reads.listWallets({ ...filter, ...page }),
    text: (wallet) => jsonText(bodyOf(wallet)),
  }),
]
