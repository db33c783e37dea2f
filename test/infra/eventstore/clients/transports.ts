import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedEventStore } from '../../../../infra/embedded/eventstore/start.ts'
import { testCertificate } from '../../../support/certificates.ts'
import { scratch, standalone } from '../support.ts'

/** A way in which clients reach an event store of their own. */
export interface Transport {
  readonly name: string
  open(): Promise<{ readonly connectionString: string; close(): Promise<unknown> }>
}

export const plaintext: Transport = {
  name: 'plaintext',
  async open() {
    const store = await standalone(['--mem-db'])
    return { connectionString: store.connectionString, close: () => store.kill('SIGTERM') }
  },
}

/** As the administrator that every store has at first. */
export const tls: Transport = {
  name: 'TLS',
  async open() {
    const certificate = testCertificate()
    const caFile = join(scratch(), 'ca.pem')
    writeFileSync(caFile, certificate.ca)
    const store = await startEmbeddedEventStore({ directory: undefined, port: 0, certificate })
    const connectionString = `esdb://admin:changeit@localhost:${store.port}?tls=true&tlsCAFile=${caFile}`
    return { connectionString, close: () => store.close() }
  },
}
