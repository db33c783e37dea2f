import * as assert from 'uvu/assert'
import type { Signer } from '../../commands/ports.ts'
import type { Api, Reply } from './harness.ts'

/** The header by which `signer` reads what is private. */
export function readingAs(api: Api, signer: Signer): Record<string, string> {
  const envelope = api.sign(signer, 'AuthorizeReads', api.network.networkId, {})
  return { authorization: `DuxNet ${Buffer.from(JSON.stringify(envelope)).toString('base64url')}` }
}

export function refused({ status, body, text }: Reply, expected: number, code: string): void {
  assert.equal([status, body.code], [expected, code], text)
}
