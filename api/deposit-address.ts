import { z } from 'zod'
import { uuidSchema } from '../domain/ids.ts'
import { ApiProblem } from './problem.ts'
import { orUnavailable } from './reading.ts'
import { json, type Route, route } from './route.ts'

export const depositAddressSchema = z
  .strictObject({
    walletId: uuidSchema,
    address: z.string().describe('Of the chain; what arrives there is credited to this wallet'),
  })
  .meta({ id: 'DepositAddress' })

export const depositAddressRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/v1/wallets/:id/deposit-address',
    tag: 'Wallets',
    summary: 'Where to send coins that this wallet shall be credited with',
    description:
      'One address a wallet, for ever; the node watches it from the first answer on. It reveals the address alone: who may spend is the treasury. A deposit counts once it has the confirmations of the policy.',
    params: z.strictObject({ id: uuidSchema }),
    query: z.strictObject({}),
    successes: {
      200: {
        description: 'The address',
        schema: depositAddressSchema,
        example: { walletId: '5d3f6f0e-1c7a-4a52-9d5d-5c4b6ea0b4a1', address: '9rTjB5w5cZtrdA5sA1x8b8vWcU2tLh7wqX' },
      },
    },
    problems: ['WalletUnknown', 'Overloaded', 'ReadModelBuilding', 'PrivateStoreUnavailable', 'ChainUnavailable'],
    lane: 'query',
    async handle({ params: { id: walletId } }, deps) {
      const { limits, isUnavailable } = deps
      const address = await orUnavailable(deps.depositAddress(walletId), limits.readMs, isUnavailable, 'PrivateStoreUnavailable')
      if (address === undefined) throw new ApiProblem('WalletUnknown', { walletId })
      return json(200, { walletId, address })
    },
  }),
]
