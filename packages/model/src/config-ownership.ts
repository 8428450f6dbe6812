/** Which unit of a multi-active service a request belongs to, and how patient its writes are. */
export interface OwnershipConfig {
  /** The part of a request whose value chooses the unit. Absent: every request belongs to `home`. */
  readonly key?: OwnershipKey
  /**
   * `hash`: the value is hashed over the sites, so that a site that comes takes its share from all others. `modulo`: a whole
   * number’s rest by the number of sites; another value is hashed. `site`: the value is a site’s name. Default `hash`.
   */
  readonly units: 'hash' | 'modulo' | 'site'
  /** The site of a request that has no such value; absent: the first one. */
  readonly home?: string
  /** How long a write waits for somebody to accept it, milliseconds, within its own time. Default 0: it is refused at once. */
  readonly wait: number
}

/** The part of a request that chooses its unit. */
export type OwnershipKey =
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly query: string }
  /** Of a token that a `jwt` filter has passed. */
  | { readonly claim: string }

/** Who says how far the data of a service is at this node’s site. */
export type DataConfig =
  /** All sites write to one database. */
  | { readonly shared: true }
  /** A URL that answers questions posted to it. */
  | { readonly hook: string }
  /** The replicator of this site, such as `http://127.0.0.1:9910`, and its token. */
  | { readonly replicator: string; readonly token?: string }
  /** A program and its arguments: the question on its input, the answer on its output. */
  | { readonly command: readonly string[] }
