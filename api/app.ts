import express, { type Express } from 'express'
import { airdropRoutes } from './airdrops.ts'
import { commandRoutes } from './commands.ts'
import { depositAddressRoutes } from './deposit-address.ts'
import type { Deps } from './deps.ts'
import { differenceRoutes } from './differences.ts'
import { disclosureRoutes } from './disclosures.ts'
import { documentRoutes } from './documents.ts'
import { escrowRoutes } from './escrows.ts'
import { eventRoutes } from './events.ts'
import { exchange } from './exchange.ts'
import { fundRoutes } from './fund.ts'
import { ledgerRoutes } from './ledger.ts'
import { networkRoutes } from './network.ts'
import { nodeHistoryRoutes } from './node-histories.ts'
import { nodeRoutes } from './nodes.ts'
import { operationRoutes } from './operations.ts'
import { ApiProblem } from './problem.ts'
import type { Route } from './route.ts'
import { transactionRoutes } from './transactions.ts'
import { transparencyRoutes } from './transparency.ts'
import { walletStatementRoutes } from './wallet-statement.ts'
import { walletRoutes } from './wallets.ts'
import { webhookRoutes } from './webhooks.ts'

/** Express tries them in this order, so what is asked most comes first. */
export const routes: readonly Route[] = [
  ...nodeRoutes,
  ...commandRoutes,
  ...nodeHistoryRoutes,
  ...walletRoutes,
  ...walletStatementRoutes,
  ...transactionRoutes,
  ...escrowRoutes,
  ...ledgerRoutes,
  ...fundRoutes,
  ...airdropRoutes,
  ...differenceRoutes,
  ...eventRoutes,
  ...networkRoutes,
  ...transparencyRoutes,
  ...depositAddressRoutes,
  ...disclosureRoutes,
  ...webhookRoutes,
  ...operationRoutes,
  ...documentRoutes(() => routes),
]

/** The whole HTTP API. It holds no connection and starts nothing; `listen` in `server.ts` puts it on a port. */
export function createApp(deps: Deps): Express {
  const app = express()
  app.disable('x-powered-by').disable('etag').disable('trust proxy').enable('case sensitive routing').enable('strict routing')
  app.set('query parser', false)

  const { serve, refuse } = exchange(deps)
  for (const route of routes) app[route.method === 'GET' ? 'get' : 'post'](route.path, serve(route))

  for (const [path, methods] of Map.groupBy(routes, ({ path }) => path)) {
    const allow = methods.map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ')
    app.all(path, (request, response) => {
      if (request.method === 'OPTIONS') response.writeHead(204, { allow }).end()
      else refuse(path, request, response, new ApiProblem('MethodNotAllowed', {}, { allow }))
    })
  }
  app.use((request, response) => refuse('none', request, response, new ApiProblem('RouteUnknown')))
  app.use(((error, request, response, _next) => {
    // Express itself has only this to say: a path whose percent-encoding is broken.
    refuse('none', request, response, error instanceof URIError ? new ApiProblem('RequestMalformed') : error)
  }) satisfies express.ErrorRequestHandler)
  return app
}
