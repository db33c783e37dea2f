import * as library from '@eventstore/db-client'
import type { Library } from './library.ts'
import { clientSuite } from './suite.ts'
import { plaintext, tls } from './transports.ts'

const { EventStoreDBClient, WrongExpectedVersionError } = library

const client: Library = {
  ...library,
  name: '@eventstore/db-client',
  scheme: 'esdb',
  connect: (connectionString) => EventStoreDBClient.connectionString(connectionString),
  append: (client, stream, events, { expecting = 'any', ...options } = {}) =>
    (client as library.EventStoreDBClient).appendToStream(stream, events, { expectedRevision: expecting, ...options }),
  versionsOf: (error) => {
    if (!(error instanceof WrongExpectedVersionError)) throw error
    return [error.expectedVersion, error.actualVersion]
  },
}

for (const transport of [plaintext, tls]) clientSuite(client, transport).run()
