import type { Socket } from 'node:net'
import type { ListenerConfig } from '@budao/model'
import type { ProxiedPair } from '../l4/proxy-header.ts'
import type { CertificateHeaders } from '../tls/client-certificate.ts'

/** A client's connection as its listener hands it over: behind TLS, with everything known of who is at its other end. */
export interface Arrival {
  readonly socket: Socket
  readonly listener: ListenerConfig
  /** The client's address, IPv4 as such also where the socket is a dual one. */
  readonly address: string
  /** What a PROXY header says of both ends; null where there was none, or it names nobody. */
  readonly pair: ProxiedPair | null
  /** Bytes that came together with a PROXY header, and were not read by whoever takes the socket. */
  readonly early: Buffer | null
  /** What was agreed on in the handshake (ALPN); empty without TLS, or where the client named nothing. */
  readonly alpn: string
  /** What a verified certificate of the client says; null where there is none. */
  readonly certificate: CertificateHeaders | null
}

/** `::ffff:10.0.0.1`, what a dual-stack socket says of an IPv4 peer, as `10.0.0.1`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address
}
