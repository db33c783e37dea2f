import * as library from '@kurrent/kurrentdb-client'
import { isLong } from '../../../support/random.ts'
import type { Client, Library } from './library.ts'
import { clientSuite } from './suite.ts'
import { plaintext, tls } from './transports.ts'

const { KurrentDBClient, WrongExpectedVersionError } = library

const client: Library = {
  // The same tools, but for the class of the subscription that a filter's callback is given.
  ...(library as unknown as Library),
  name: '@kurrent/kurrentdb-client',
  scheme: 'kurrentdb',
  connect: (connectionString) => KurrentDBClient.connectionString(connectionString) as Client,
  append: (client, stream, events, { expecting = 'any', ...options } = {}) =>
    (client as library.KurrentDBClient).appendToStream(stream, events, { streamState: expecting, ...options }),
  versionsOf: (error) => {
    if (!(error instanceof WrongExpectedVersionError)) throw error
    return [error.expectedState, error.actualState]
  },
}

// Over TLS every day the other client goes.
for (const transport of isLong ? [plaintext, tls] : [plaintext]) clientSuite(client, transport).run()
