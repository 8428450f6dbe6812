/** What an endpoint says of itself when it registers. */
export interface EndpointRegistration {
  readonly service: string
  /** `host:port` with a literal address. */
  readonly address: string
  readonly site: string
  readonly weight: number
  readonly release: string
  readonly rank: number
  /** What those who look it up want to know: a version, a zone. Nothing here acts on it. */
  readonly metadata?: Readonly<Record<string, string>>
  /** How long it counts without being renewed, milliseconds. */
  readonly leaseMs: number
}

/** What a person wants to take out of the traffic, or put back: a whole site, or one endpoint. */
export type DrainTarget =
  | { readonly site: string }
  /** Without `service`: in every service that has it. */
  | { readonly endpoint: string; readonly service?: string }

/** Why a person does it, and whether even the last usable endpoint may be taken. Both go to the audit log. */
export interface DrainWish {
  readonly reason: string
  readonly force: boolean
}

/** Why a change of endpoints was not made. */
export type DirectoryRefusal =
  | 'unknown-service'
  | 'unknown-endpoint'
  | 'unknown-site'
  | 'registration-off'
  | 'lease-too-long'
  | 'endpoint-configured'
  | 'last-usable'
  | 'too-many-endpoints'
  | 'too-many-drains'
  | 'not-applied'

/** What became of a change of endpoints. A refusal is a value: nothing has changed then. */
export type DirectoryResult =
  | {
      readonly ok: true
      /** created: it was not there before; changed; unchanged: it was so already. */
      readonly effect: 'created' | 'changed' | 'unchanged' | 'removed'
      /** The snapshot that holds the change. */
      readonly snapshot: number
      /** Milliseconds; null where there is no lease. */
      readonly leaseMs: number | null
    }
  | { readonly ok: false; readonly code: DirectoryRefusal; readonly message: string; readonly hint?: string }
