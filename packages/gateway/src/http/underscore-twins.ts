/** Names that some backends read as if `_` were `-`: a second, hidden way to say length or origin. */
const twins: readonly string[] = [
  'content-length',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-real-ip',
  'x-request-id',
  'client-cert',
  'client-cert-chain',
  'x-client-cert-subject',
  'x-client-cert-fingerprint',
  'x-budao-epoch',
  'x-budao-unit',
]

/** Whether a header’s name could be taken for one of those that decide something. */
export function isUnderscoreTwin(name: string): boolean {
  return name.includes('_') && twins.includes(name.toLowerCase().replaceAll('_', '-'))
}
