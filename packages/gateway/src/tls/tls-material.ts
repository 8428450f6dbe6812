/**
 * What the files of a configuration held when they were last good. Read by one thread and sent to all, so that none
 * meets a file that another is just replacing. Plain JSON; never written anywhere, for it holds private keys.
 */
export interface TlsMaterial {
  /** By listener. */
  readonly listeners: Readonly<Record<string, ListenerTls>>
  /** By service. */
  readonly services: Readonly<Record<string, ServiceTls>>
  /** Of this process; the keys of session tickets are derived from it. */
  readonly ticketSecret: string
}

/** Texts in PEM. */
export interface ListenerTls {
  readonly certificates: readonly CertificateText[]
  readonly clientCa?: string
}

export interface CertificateText {
  readonly cert: string
  readonly key: string
  /** Names it is shown for: exact or `*.example.com`. */
  readonly hosts: readonly string[]
}

/** Texts in PEM. */
export interface ServiceTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Of a configuration without TLS. */
export const noTls: TlsMaterial = { listeners: {}, services: {}, ticketSecret: '' }
