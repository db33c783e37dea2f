import * as library from '@eventstore/db-client'
import { clientSuite } from './suite.ts'

const { EventStoreDBClient, WrongExpectedVersionError } = library

clientSuite({
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
}).run()
