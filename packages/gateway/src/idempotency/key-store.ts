/** What a write with a key was answered. Texts are latin1, one character a byte. */
export interface FirstResult {
  readonly status: number
  readonly reason: string
  /** Header lines with their line ends, without those that frame a message or concern the connection. */
  readonly lines: string
  /** Null where it was too long to keep, or broke off. */
  readonly body: string | null
}

/** A request that wants to be the one that is done under its key. */
export interface KeyClaim {
  /** Routes whose keys are the same ones have one name. */
  readonly name: string
  /** Says whose key it is and what it is, and nothing to who reads it. */
  readonly id: string
  /** Tells requests apart. */
  readonly fingerprint: string
  /** Never the same twice. */
  readonly owner: string
  /** So long nobody else gets the key, whatever becomes of the owner. */
  readonly leaseMs: number
  /** So long it is known that there was a request, if nothing more is ever heard of it. */
  readonly ttlMs: number
  /** Whether it takes a key of which nobody knows whether its write was done. */
  readonly takesUncertain: boolean
  /** Most keys of that name. */
  readonly entriesMax: number
}

/**
 * claimed        the key is the owner's; `again` when the write may have been done before
 * kept           it has a result
 * in-progress    somebody else is at it
 * other-request  the key was used for something else
 * uncertain      nobody knows whether it was done, and the claim does not take such
 * full           there are too many keys
 */
export type ClaimAnswer =
  | { readonly kind: 'claimed'; readonly again: boolean }
  | { readonly kind: 'kept'; readonly result: FirstResult }
  | { readonly kind: 'in-progress' | 'other-request' | 'uncertain' | 'full' }

/** What an owner leaves behind: a result, nothing, or an uncertain key. */
export type Settlement =
  | {
      readonly kind: 'keep'
      readonly result: FirstResult
      readonly ttlMs: number
      /** Most bytes of results of that name: what is above is kept without body. */
      readonly bytesMax: number
    }
  | { readonly kind: 'release' }
  | { readonly kind: 'doubt'; readonly ttlMs: number }

/** Whose key is settled. */
export type KeyOwner = Pick<KeyClaim, 'name' | 'id' | 'fingerprint' | 'owner'>

/**
 * Where keys of writes are kept, for all threads of a gateway or for several gateways. Both reject with a StoreAway when it
 * is not known within its time what became of the call.
 */
export interface KeyStore {
  /** False while it is away: whatever is asked is rejected at once. */
  readonly here: boolean
  /** Counts one who did not ask because it is away. */
  passedBy(): void
  claim(claim: KeyClaim): Promise<ClaimAnswer>
  /** Resolves once it will be found again. The result of an earlier owner, if that is the one that stands; else null. */
  settle(owner: KeyOwner, settlement: Settlement): Promise<FirstResult | null>
}
