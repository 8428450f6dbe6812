import { nodeCrypto } from './builtins.ts'

/** What is worth knowing of a certificate. */
export interface CertificateFacts {
  /** DNS names in it, lower case; its common name where it has none. */
  readonly hosts: readonly string[]
  readonly issuer: string
  /** Milliseconds since 1970, both. */
  readonly validFrom: number
  readonly expiresAt: number
}

/** Reads a chain (its first certificate counts) and sees that the key is its own. Throws with what is wrong. */
export function certificateFacts(cert: string, key: string): CertificateFacts {
  const { createPrivateKey, X509Certificate } = nodeCrypto()
  const certificate = new X509Certificate(cert)
  if (!certificate.checkPrivateKey(createPrivateKey(key)))
    throw new Error('the private key belongs to another certificate')
  const names = [...(certificate.subjectAltName ?? '').matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name]) =>
    name!.toLowerCase(),
  )
  return {
    hosts:
      names.length > 0
        ? names
        : [commonName(certificate.subject).toLowerCase()].filter((name) => name !== ''),
    issuer: commonName(certificate.issuer) || certificate.issuer.replaceAll('\n', ', '),
    validFrom: certificate.validFromDate.getTime(),
    expiresAt: certificate.validToDate.getTime(),
  }
}

/**
 * ok        nothing to do
 * expiring  less is left than 14 days or, for those that live shorter than six weeks, a third of their life
 * expired   clients refuse it
 */
export type ExpiryVerdict = 'ok' | 'expiring' | 'expired'

const DAY_MS = 24 * 60 * 60 * 1_000

/** Fourteen days is what is left when a renewal at thirty days, as ACME clients do it, has failed for two weeks. */
const WARN_MS = 14 * DAY_MS

/** Judges a certificate at a time, milliseconds since 1970. */
export function expiryVerdict({ validFrom, expiresAt }: CertificateFacts, wallNow: number): ExpiryVerdict {
  if (wallNow >= expiresAt) return 'expired'
  return expiresAt - wallNow < Math.min(WARN_MS, (expiresAt - validFrom) / 3) ? 'expiring' : 'ok'
}

function commonName(name: string): string {
  return /^CN=(.+)$/m.exec(name)?.[1] ?? ''
}
