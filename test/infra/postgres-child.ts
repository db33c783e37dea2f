// A process of its own that keeps a Postgres server, for tests to kill. Its only line on standard output says how it went.

import { EmbeddedPostgresError } from '../../infra/embedded/postgres/errors.ts'
import { startEmbeddedPostgres } from '../../infra/embedded/postgres.ts'

const tell = (outcome: object) => process.stdout.write(`${JSON.stringify(outcome)}\n`)

try {
  const postgres = await startEmbeddedPostgres({ directory: process.argv[2]! })
  process.once('SIGTERM', () => postgres.close())
  tell({ url: postgres.url })
} catch (error) {
  tell({ refusal: error instanceof EmbeddedPostgresError ? error.code : String(error) })
}
