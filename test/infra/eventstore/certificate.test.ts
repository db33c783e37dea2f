// The files of a certificate: forms that are read, and what is said of those that do not fit.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CertificateFiles, readCertificate } from '../../../infra/embedded/eventstore/security/certificate.ts'
import { testCertificate } from '../../support/certificates.ts'
import { scratch } from './support.ts'

const test = suite('eventstore certificate files')

const directory = scratch()
const [one, other] = [testCertificate(), testCertificate({ isThroughIntermediate: true })]

function file(name: string, content: string | Buffer): string {
  const path = join(directory, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, content)
  return path
}

const certificateFile = file('one.crt', one.cert)
const privateKeyFile = file('one.key', one.key)
file('trusted/one-root.crt', one.ca)
file('trusted/notes.txt', 'no certificate')
file('strange/other-root.pem', other.ca)
const trusted = join(directory, 'trusted')
const strange = join(directory, 'strange')

const complaint = (files: CertificateFiles): string => {
  try {
    readCertificate(files)
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

test('PEM and DER, keys with and without a password', () => {
  const key = createPrivateKey(one.key)
  const inDer = new X509Certificate(one.cert).raw
  const secret = { cipher: 'aes-256-cbc', passphrase: 's3cret' } as const
  const keys: [name: string, content: string | Buffer, password?: string][] = [
    ['rsa.key', one.key],
    ['pkcs8.key', key.export({ type: 'pkcs8', format: 'pem' })],
    ['pkcs8.der', key.export({ type: 'pkcs8', format: 'der' })],
    ['secret.key', key.export({ type: 'pkcs8', format: 'pem', ...secret }), 's3cret'],
    ['secret.der', key.export({ type: 'pkcs8', format: 'der', ...secret }), 's3cret'],
  ]
  for (const certificate of [certificateFile, file('one.der', inDer)])
    for (const [name, content, privateKeyPassword] of keys) {
      const read = readCertificate({ certificateFile: certificate, privateKeyFile: file(name, content), privateKeyPassword })
      assert.ok(new X509Certificate(read.cert).raw.equals(inDer), name)
      assert.ok(createPrivateKey(read.key).equals(key), name)
    }
})

test('the certificate must lead to a trusted one, also through one in between', () => {
  assert.is(complaint({ certificateFile, privateKeyFile, trustedRootsPath: trusted }), 'none')
  assert.match(complaint({ certificateFile, privateKeyFile, trustedRootsPath: strange }), `leads to none of those in ${strange}`)
  file('itself/one.cer', one.cert)
  assert.is(complaint({ certificateFile, privateKeyFile, trustedRootsPath: join(directory, 'itself') }), 'none')
  const through = { certificateFile: file('other.crt', other.cert), privateKeyFile: file('other.key', other.key) }
  assert.is(complaint({ ...through, trustedRootsPath: strange }), 'none')
  assert.match(complaint({ ...through, trustedRootsPath: trusted }), `leads to none of those in ${trusted}`)
  const [leaf] = other.cert.split(/(?<=-----END CERTIFICATE-----\r?\n)/)
  const cut = { ...through, certificateFile: file('cut.crt', leaf!) }
  assert.match(complaint({ ...cut, trustedRootsPath: strange }), 'leads to none')
})

test('what can not be used is named, and no password is', () => {
  const missing = join(directory, 'missing')
  assert.match(complaint({ certificateFile: missing, privateKeyFile }), missing)
  assert.match(complaint({ certificateFile, privateKeyFile: missing }), missing)
  assert.match(complaint({ certificateFile, privateKeyFile, trustedRootsPath: missing }), missing)
  const empty = file('empty', '')
  assert.match(complaint({ certificateFile: empty, privateKeyFile }), `the certificate in ${empty} can not be read`)
  assert.match(complaint({ certificateFile, privateKeyFile: empty }), `the private key in ${empty} can not be read`)
  assert.match(complaint({ certificateFile, privateKeyFile: certificateFile }), 'can not be read')
  const foreign = file('foreign.key', other.key)
  assert.match(complaint({ certificateFile, privateKeyFile: foreign }), `${foreign} is not that of the certificate`)
  const encrypted = createPrivateKey(one.key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 's3cret' })
  const wrong = complaint({ certificateFile, privateKeyFile: file('locked.key', encrypted), privateKeyPassword: 'gu3ss' })
  assert.match(wrong, 'locked.key')
  assert.not.match(wrong, /s3cret|gu3ss/)
  assert.match(complaint({ certificateFile, privateKeyFile: join(directory, 'locked.key') }), 'locked.key')
})

test.run()
