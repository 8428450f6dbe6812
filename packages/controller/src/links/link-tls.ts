import { hkdfSync } from 'node:crypto'
import type { ConnectionOptions, TlsOptions } from 'node:tls'

/** What both sides call the key; there is only one. */
const identity = 'budao'

/** OpenSSL takes a key given by a callback for a SHA-256 cipher; both machines of a pair do AES in hardware, or neither minds. */
const suite = { minVersion: 'TLSv1.3', ciphers: 'TLS_AES_128_GCM_SHA256' } as const

/**
 * TLS 1.3 with a key made of the token that all nodes share (RFC 8446, 2.2: pre-shared key with an ephemeral key exchange). There are
 * no certificates to issue and to renew, who does not know the token gets no line through, and whoever learns it
 * later cannot read what was recorded before.
 */
export class LinkTls {
  /** For `createServer`. */
  readonly server: TlsOptions
  /** For `connect`. */
  readonly client: ConnectionOptions

  constructor(secret: string) {
    const psk = new Uint8Array(hkdfSync('sha256', secret, '', 'budao links', 32))
    this.server = { ...suite, pskCallback: (_socket, asked) => (asked === identity ? psk : null) }
    this.client = {
      ...suite,
      pskCallback: () => ({ psk, identity }),
      // There is no certificate to look at: the key is the proof.
      checkServerIdentity: () => undefined,
    }
  }
}

/** Why TLS did not come about, as far as the one who dialed can tell; null: for no reason of TLS. */
export function tlsRefusal({ code = '' }: NodeJS.ErrnoException): string | null {
  if (code === 'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR')
    return 'another token: `control.token` has to be the same on all nodes'
  if (code.startsWith('ERR_SSL_'))
    return `what answers there is no link of this version of Budao (${code}): run the same version on all nodes, and look at the port`
  return null
}
