import type { SecretConfig } from '../config-serve.ts'

/** How brokers are spoken to, as the configuration says it. Absent: in the clear, as nobody in particular. */
export interface BrokerAccessConfig {
  readonly tls?: BrokerTlsConfig
  readonly sasl?: BrokerSaslConfig
}

/** Files in PEM, relative to the configuration file; `{}`: TLS with the authorities of the system. */
export interface BrokerTlsConfig {
  readonly ca?: string
  /** Where brokers ask for a certificate of their clients. */
  readonly cert?: string
  readonly key?: string
}

/** How clients say who they are. */
export const brokerMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const

/** Who asks. */
export interface BrokerSaslConfig {
  readonly mechanism: (typeof brokerMechanisms)[number]
  readonly user: string
  readonly password: SecretConfig
}

/** The same with what the files and the secret hold. */
export interface BrokerAccess {
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly sasl?: Pick<BrokerSaslConfig, 'mechanism' | 'user'> & { readonly password: string }
}

/** Names by which brokers know the mechanisms. */
const mechanismNames = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
} as const

/** What clients of brokers are made with. */
export interface BrokerClientAccess {
  readonly tls?: NonNullable<BrokerAccess['tls']>
  readonly tlsServerName?: boolean
  readonly sasl?: {
    readonly mechanism: (typeof mechanismNames)[keyof typeof mechanismNames]
    readonly username: string
    readonly password: string
  }
}

/** An access in the words of the client. Brokers hear the name they are asked by, but no address: TLS has names only (RFC 6066, 3). */
export function brokerClientAccess(
  { tls, sasl }: BrokerAccess,
  brokers: readonly string[],
): BrokerClientAccess {
  const named = brokers.every((broker) => !/^[\d.]+:|^\[/.test(broker))
  return {
    ...(tls && { tls, tlsServerName: named }),
    ...(sasl && {
      sasl: { mechanism: mechanismNames[sasl.mechanism], username: sasl.user, password: sasl.password },
    }),
  }
}
