import type { PeerCertificate } from 'node:tls'

type CheckName = (host: string, certificate: PeerCertificate) => Error | undefined

/** Whether a certificate has one of these names: undefined, or an error that says which it has instead. URIs must be equal. */
export function checkSans(
  sans: readonly string[],
  certificate: PeerCertificate,
  checkName: CheckName,
): Error | undefined {
  const names = certificate.subjectaltname ?? ''
  // A name with a comma or a quote is quoted by Node, and never equals anything here.
  const uris = names.split(', ').flatMap((name) => (name.startsWith('URI:') ? [name.slice(4)] : []))
  for (const san of sans) {
    if (san.includes('://') ? uris.includes(san) : checkName(san, certificate) === undefined) return undefined
  }
  return new Error(
    `its certificate is for ${names === '' ? 'no name' : names}, expected ${sans.join(' or ')}`,
  )
}
