import type { SecretConfig } from './config-serve.ts'
import type { CoordinationConfig } from './providers/coordination.ts'

/** How this process takes part in failover: whom it talks to, where leases are kept. Absent: it does not. */
export interface ControlConfig {
  /** `host:port` where links of other nodes are taken. */
  readonly address: string
  /** What all nodes share, and prove to each other: at least 16 characters. */
  readonly token: SecretConfig
  /** Whether this node decides too, with others of its kind; one of them leads. Absent: as its command says. */
  readonly controller?: boolean
  /** This node stands at no site: it watches and votes for a failure domain of its own, its name. Default false. */
  readonly witness: boolean
  /** How long a gateway that is told to end may take to give away what it holds, milliseconds; 0: it lets its leases end. Default 5000. */
  readonly handOver: number
  readonly store: CoordinationConfig
  /** The other nodes by `node.name`. One with the name of this node is this node, and passed over. */
  readonly peers: Readonly<Record<string, PeerConfig>>
}

/** Another node. It stands at a site, or is a witness. */
export interface PeerConfig {
  /** `host:port` of its links. */
  readonly address: string
  /** Absent where it is a witness. */
  readonly site?: string
  /** Default false. */
  readonly witness: boolean
  /** `host:port` of its plain http listener: writes of units that it holds go there. Absent: refused with 503 here. */
  readonly traffic?: string
}
