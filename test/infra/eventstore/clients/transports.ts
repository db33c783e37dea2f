import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testCertificate } from '../../../support/certificates.ts'
import { type Standalone, scratch, standalone } from '../support.ts'

/** A way in which clients reach `duxnet eventstore`, which runs as a process of its own. */
export interface Transport {
  readonly name: string
  readonly hasUsers: boolean
  open(): Promise<{ readonly store: Standalone; readonly connectionString: string }>
}

export const plaintext: Transport = {
  name: 'plaintext',
  hasUsers: false,
  async open() {
    const store = await standalone(['--mem-db'])
    return { store, connectionString: store.connectionString }
  },
}

/** As the administrator that every store has at first. */
export const tls: Transport = {
  name: 'TLS',
  hasUsers: true,
  async open() {
    const { cert, key, ca } = testCertificate()
    const directory = scratch()
    const file = (name: string, text: string) => {
      const path = join(directory, name)
      writeFileSync(path, text)
      return path
    }
    mkdirSync(join(directory, 'trusted'))
    const caFile = file('trusted/ca.pem', ca)
    const store = await standalone([
      '--mem-db',
      ...['--certificate-file', file('server.pem', cert)],
      ...['--certificate-private-key-file', file('server.key', key)],
      ...['--trusted-root-certificates-path', join(directory, 'trusted')],
    ])
    const { host } = new URL(store.connectionString)
    return { store, connectionString: `esdb://admin:changeit@${host}?tls=true&tlsCAFile=${caFile}` }
  },
}
