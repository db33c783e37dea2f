// A witness of transparency logs, made from the text of C2SP tlog-witness and tlog-cosignature and of nothing of ours but the Merkle proofs.
import { createHash, generateKeyPairSync, sign, verify } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isConsistent } from '../../domain/merkle.ts'

export interface TestWitness {
  readonly url: string
  /** As whoever trusts it is given it. */
  readonly verifierKey: string
  readonly name: string
  /** The last tree that it cosigned. */
  last: { size: number; root: Buffer }
  /** Statuses of its answers so far. */
  readonly answered: number[]
  /** What it does instead of what it should. */
  fault: ((body: string) => { status: number; text: string } | 'silence') | undefined
  close(): Promise<void>
}

/** Knows one log: `origin` with the Ed25519 key `publicKey` (base64url). */
export async function startWitness(name: string, origin: string, publicKey: string): Promise<TestWitness> {
  const own = generateKeyPairSync('ed25519')
  const raw = Buffer.from(own.publicKey.export({ format: 'jwk' }).x!, 'base64url')
  const hint = createHash('sha256').update(`${name}\n`).update(Buffer.of(4)).update(raw).digest().subarray(0, 4)
  const logKey = { key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' } as const

  function addCheckpoint(body: string): { status: number; text: string } {
    const middle = body.indexOf('\n\n')
    const [old, ...proof] = body.slice(0, middle).split('\n')
    const note = body.slice(middle + 2)
    const text = note.slice(0, note.indexOf('\n\n') + 1)
    const [from, lines] = [Number(/^old (0|[1-9]\d*)$/.exec(old!)![1]), text.split('\n')]
    const size = Number(lines[1])
    if (lines[0] !== origin) return { status: 404, text: 'no such log\n' }
    const signature = Buffer.from(/^— \S+ (\S+)$/m.exec(note)![1]!, 'base64').subarray(4)
    if (!verify(null, Buffer.from(text), logKey, signature)) return { status: 403, text: 'not signed\n' }
    if (from > size) return { status: 400, text: 'old is newer\n' }
    if (from !== witness.last.size) return { status: 409, text: `${witness.last.size}\n` }
    const root = Buffer.from(lines[2]!, 'base64')
    if (from === size && size > 0 && !root.equals(witness.last.root)) return { status: 409, text: `${size}\n` }
    const hashes = proof.map((hash) => Buffer.from(hash, 'base64'))
    if (from > 0 && !isConsistent(witness.last, { size, root }, hashes)) return { status: 422, text: 'not consistent\n' }
    witness.last = { size, root }
    const seconds = Math.floor(Date.now() / 1000)
    const time = Buffer.alloc(8)
    time.writeBigUInt64BE(BigInt(seconds))
    const cosignature = sign(null, Buffer.from(`cosignature/v1\ntime ${seconds}\n${text}`), own.privateKey)
    return { status: 200, text: `— ${name} ${Buffer.concat([hint, time, cosignature]).toString('base64')}\n` }
  }

  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const answer = witness.fault?.(body) ?? addCheckpoint(body)
    if (answer === 'silence') return
    witness.answered.push(answer.status)
    response.writeHead(answer.status).end(answer.text)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const witness: TestWitness = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    verifierKey: `${name}+${hint.toString('hex')}+${Buffer.concat([Buffer.of(4), raw]).toString('base64')}`,
    name,
    last: { size: 0, root: Buffer.alloc(0) },
    answered: [],
    fault: undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return witness
}
