// Certificates for servers under test, made on the spot.
import { generateKeyPairSync } from 'node:crypto'
import forge from 'node-forge'

const { pki } = forge

/** A certificate and its key in PEM form; `ca` is what clients trust. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

interface Issuer {
  readonly certificate: forge.pki.Certificate
  readonly key: forge.pki.rsa.PrivateKey
}

const hour = 3_600_000
let serial = 1

/** A certificate for localhost, 127.0.0.1 and ::1, signed by an authority of its own, or by one whose certificate that one has signed. */
export function testCertificate({ isThroughIntermediate = false } = {}): TestCertificate {
  const authority = issue('DuxNet test authority', ofAuthority)
  const between = isThroughIntermediate ? issue('DuxNet test authority in between', ofAuthority, authority) : undefined
  const server = issue('localhost', ofServer, between ?? authority)
  return {
    cert: [server, ...(between ? [between] : [])].map(({ certificate }) => pki.certificateToPem(certificate)).join(''),
    key: pki.privateKeyToPem(server.key),
    ca: pki.certificateToPem(authority.certificate),
  }
}

/** Without an issuer it signs itself. */
function issue(commonName: string, extensions: object[], issuer?: Issuer): Issuer {
  const { publicKey, privateKey } = keyPair()
  const certificate = pki.createCertificate()
  certificate.publicKey = publicKey
  certificate.serialNumber = (serial++).toString(16).padStart(2, '0')
  certificate.validity.notBefore = new Date(Date.now() - hour)
  certificate.validity.notAfter = new Date(Date.now() + 24 * hour)
  const subject = [{ name: 'commonName', value: commonName }]
  certificate.setSubject(subject)
  certificate.setIssuer(issuer?.certificate.subject.attributes ?? subject)
  certificate.setExtensions(extensions)
  certificate.sign(issuer?.key ?? privateKey, forge.md.sha256.create())
  return { certificate, key: privateKey }
}

const ofAuthority = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
]
const ofServer = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
  { name: 'extKeyUsage', serverAuth: true },
  {
    name: 'subjectAltName',
    altNames: [
      { type: 2, value: 'localhost' },
      { type: 7, ip: '127.0.0.1' },
      { type: 7, ip: '::1' },
    ],
  },
]

/** Node makes the numbers much faster than the library does. */
function keyPair() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = pki.privateKeyFromPem(privateKey.export({ type: 'pkcs1', format: 'pem' }) as string)
  return { privateKey: key, publicKey: pki.setRsaPublicKey(key.n, key.e) }
}
