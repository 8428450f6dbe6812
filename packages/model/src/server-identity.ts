/** What of a certificate is looked at here, as Node gives it. */
export interface NamedCertificate {
  readonly subjectaltname?: string | undefined
}

/** Whether a certificate has one of these names: undefined, or an error that says which it has instead. URIs must be equal. */
export function checkSans<Certificate extends NamedCertificate>(
  sans: readonly string[],
  certificate: Certificate,
  checkName: (host: string, certificate: Certificate) => Error | undefined,
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
