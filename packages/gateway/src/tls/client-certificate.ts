import type { TLSSocket } from 'node:tls'
import type { ClientAuthConfig } from '@budao/model'

/** Headers that tell backends of a client's certificate, each with its value. */
export type CertificateHeaders = readonly (readonly [name: string, value: string])[]

/** A certificate was shown and is not to be believed: the connection must not be served. */
export const refused: unique symbol = Symbol('refused')

/**
 * What to tell backends of the certificate of a client whose handshake is done; null when it has none, `refused` when
 * it has one that did not pass. A resumed session has the certificate that it began with.
 */
export function clientCertificate(
  socket: TLSSocket,
  { forward }: ClientAuthConfig,
): CertificateHeaders | null | typeof refused {
  const shown = socket.getPeerX509Certificate()
  if (shown === undefined) return null
  if (!socket.authorized) return refused
  return forward.map((part) => {
    switch (part) {
      case 'subject':
        return ['X-Client-Cert-Subject', headerText(distinguishedName(shown.subject))]
      case 'fingerprint':
        return ['X-Client-Cert-Fingerprint', shown.fingerprint256.replaceAll(':', '').toLowerCase()]
      case 'certificate':
        // RFC 9440 §2.1: a byte sequence of RFC 8941.
        return ['Client-Cert', `:${shown.raw.toString('base64')}:`]
    }
  })
}

/**
 * As RFC 2253 writes it: the most specific part first, separated by commas. Node gives a part a line, in reverse, with
 * what must be escaped within a part escaped already.
 */
function distinguishedName(subject: string): string {
  return subject.split('\n').toReversed().join(',')
}

/** Header values are latin1 without control characters; what is not fits in as `\XX`, as RFC 2253 §2.4 has it. */
function headerText(text: string): string {
  let safe = ''
  for (const character of text) {
    const code = character.codePointAt(0)!
    if (code >= 0x20 && code < 0x7f) safe += character
    else
      for (const byte of Buffer.from(character))
        safe += `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`
  }
  return safe
}
