import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Certificate } from '../port/port.ts'

export interface CertificateFiles {
  /** X.509, in PEM form (the certificates in between may follow) or in DER form. */
  readonly certificateFile: string
  readonly privateKeyFile: string
  readonly privateKeyPassword?: string | undefined
  /** A directory; the certificate must lead to one that is in it. */
  readonly trustedRootsPath?: string | undefined
}

/** Throws an Error that names the file when one can not be read, or does not fit to the others. */
export function readCertificate(files: CertificateFiles): Certificate {
  const { certificateFile, privateKeyFile, trustedRootsPath } = files
  const chain = readCertificates(certificateFile)
  const key = readKey(files)
  if (!chain[0]!.checkPrivateKey(key))
    throw new Error(`the private key in ${privateKeyFile} is not that of the certificate in ${certificateFile}`)
  const roots = trustedRootsPath === undefined ? [] : readDirectory(trustedRootsPath)
  if (trustedRootsPath !== undefined && !leadsTo(chain, roots))
    throw new Error(`the certificate in ${certificateFile} leads to none of those in ${trustedRootsPath}`)
  return { cert: inPem(chain), key: key.export({ type: 'pkcs8', format: 'pem' }), ca: roots.map(String) }
}

const inPem = (certificates: readonly X509Certificate[]) => certificates.map(String).join('')
const pemCertificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function readCertificates(file: string): X509Certificate[] {
  return naming(`the certificate in ${file} can not be read`, () => {
    const bytes = readFileSync(file)
    const inFile = bytes.toString('latin1').match(pemCertificate) ?? [bytes]
    return inFile.map((one) => new X509Certificate(one))
  })
}

function readKey({ privateKeyFile, privateKeyPassword }: CertificateFiles): KeyObject {
  return naming(`the private key in ${privateKeyFile} can not be read`, () => {
    const key = readFileSync(privateKeyFile)
    const passphrase = privateKeyPassword === undefined ? {} : { passphrase: privateKeyPassword }
    const isPem = key.includes('-----BEGIN')
    return createPrivateKey(isPem ? { key, ...passphrase } : { key, format: 'der', type: 'pkcs8', ...passphrase })
  })
}

const certificateName = /\.(crt|cert|cer|pem|der)$/i

function readDirectory(directory: string): X509Certificate[] {
  const names = naming(`the trusted root certificates in ${directory} can not be read`, () => readdirSync(directory))
  return names.filter((name) => certificateName.test(name)).flatMap((name) => readCertificates(join(directory, name)))
}

/** Follows the issuers, through the certificates in between. */
function leadsTo([first, ...between]: readonly X509Certificate[], roots: readonly X509Certificate[]): boolean {
  let subject = first!
  for (const _ of [first, ...between]) {
    if (roots.some((root) => root.raw.equals(subject.raw) || isIssuedBy(subject, root))) return true
    const issuer = between.find((candidate) => candidate !== subject && isIssuedBy(subject, candidate))
    if (!issuer) return false
    subject = issuer
  }
  return false
}

const isIssuedBy = (subject: X509Certificate, issuer: X509Certificate) =>
  subject.checkIssued(issuer) && subject.verify(issuer.publicKey)

function naming<Result>(what: string, read: () => Result): Result {
  try {
    return read()
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error })
  }
}
