/** Lowest version of TLS that is spoken. Older ones than 1.2 are forbidden by RFC 8996. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

/** TLS towards clients. Files are PEM, relative to the configuration file. */
export interface TlsConfig {
  /** The first one is shown to clients that ask for a name none of them has, or for none. */
  readonly certificates: readonly CertificateConfig[]
  /** The certificate comes from an ACME directory instead; `certificates` is then empty. */
  readonly acme?: AcmeConfig
  /** Default `TLSv1.2`. */
  readonly minVersion: TlsVersion
  /** An OpenSSL list of cipher suites. Absent: those of the runtime. */
  readonly ciphers?: string
  /** Absent: clients are not asked for a certificate. */
  readonly clientAuth?: ClientAuthConfig
  /** Absent, or false: answers say nothing of it. */
  readonly hsts?: HstsConfig | false
}

/** Where the gateway gets its certificate by itself (RFC 8555), proving its names by http-01. */
export interface AcmeConfig {
  /** URL of the directory, https. */
  readonly directory: string
  /** Contact of the account. */
  readonly email?: string
  /** Names of the certificate, no wildcards: http-01 cannot prove them. */
  readonly hosts: readonly string[]
  /** Authority that may have signed the directory's own certificate, PEM. Absent: the public ones. */
  readonly caFile?: string
  /** How long before the end it is renewed, seconds. Default 30 days. */
  readonly renewBefore: number
  /** That the terms of the directory are agreed to. */
  readonly agreeToTerms: true
}

/** Strict-Transport-Security (RFC 6797): browsers ask this host by https alone from then on. */
export interface HstsConfig {
  /** How long they keep to it, seconds. Default 180 days. */
  readonly maxAge: number
  /** Names below this one too. Default false. */
  readonly includeSubDomains: boolean
  /** Consent to the list that browsers bring with them. Default false. */
  readonly preload: boolean
}

/** A certificate chain and its private key. */
export interface CertificateConfig {
  readonly cert: string
  readonly key: string
  /** Names it is shown for, exact or `*.example.com`. Absent: those it has itself. */
  readonly hosts?: readonly string[]
}

/** Certificates of clients (mutual TLS). */
export interface ClientAuthConfig {
  /** Authorities that may have signed them, PEM. */
  readonly ca: string
  /** `require`: no connection without one. `request`: one that is shown must be valid. Default `require`. */
  readonly mode: 'request' | 'require'
  /** What backends and filters are told of a verified one. Default `["subject"]`. */
  readonly forward: readonly ClientCertificatePart[]
}

/**
 * `subject`: X-Client-Cert-Subject, the distinguished name by RFC 2253. `fingerprint`: X-Client-Cert-Fingerprint, SHA-256 in
 * hex. `certificate`: Client-Cert by RFC 9440.
 */
export type ClientCertificatePart = 'subject' | 'fingerprint' | 'certificate'

/** TLS towards the endpoints of a service. Files are PEM, relative to the configuration file. */
export interface UpstreamTlsConfig {
  /** Authorities that may have signed their certificates. Absent: the public ones. */
  readonly ca?: string
  /** Name asked for (SNI) and, without `sans`, looked for in their certificates. Absent: the host of the address. */
  readonly serverName?: string
  /** Default true. */
  readonly verify: boolean
  /** The gateway’s own certificate, for mutual TLS; with `key`. */
  readonly cert?: string
  readonly key?: string
  /** Names of which the certificate must have one: DNS names, IP addresses or URIs such as `spiffe://…`. */
  readonly sans?: readonly string[]
  /** Default `TLSv1.2`. */
  readonly minVersion: TlsVersion
}
