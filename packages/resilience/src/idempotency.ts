/**
 * What is known of a key: its write is being done by `owner`, who has until `leaseUntil`; nobody knows whether it was done;
 * or it has a result. `fingerprint` tells requests apart, times are those of whoever keeps the record.
 */
export type KeyRecord =
  | {
      readonly state: 'claimed'
      readonly fingerprint: string
      readonly owner: string
      readonly leaseUntil: number
    }
  | { readonly state: 'uncertain'; readonly fingerprint: string }
  | { readonly state: 'kept'; readonly fingerprint: string }

/**
 * What becomes of a request with a key.
 *
 * claim          nobody has asked so yet: it may be done, and the key is taken
 * reclaim        it may have been done before, and may be done again: the key is taken
 * replay         it has a result
 * in-progress    somebody is at it
 * uncertain      it may have been done before, and must not be done again
 * other-request  the key was used for something else
 */
export type ClaimVerdict = 'claim' | 'reclaim' | 'replay' | 'in-progress' | 'uncertain' | 'other-request'

/** Decides over a key that a request claims. Whoever died while at it has left an uncertain key once the lease is over. */
export function judgeClaim(
  record: KeyRecord | undefined,
  claim: { readonly fingerprint: string; readonly takesUncertain: boolean },
  now: number,
): ClaimVerdict {
  if (record === undefined) return 'claim'
  if (record.fingerprint !== claim.fingerprint) return 'other-request'
  if (record.state === 'kept') return 'replay'
  if (record.state === 'claimed' && now < record.leaseUntil) return 'in-progress'
  return claim.takesUncertain ? 'reclaim' : 'uncertain'
}

/**
 * What an owner leaves behind.
 *
 * keep     its result
 * release  nothing: the write was not done
 * doubt    an uncertain key
 */
export type KeySettlement = 'keep' | 'release' | 'doubt'

/**
 * Decides by the endpoint's answer. One that is no result leaves the key free where it says that nothing was done (4xx; 503, by
 * which a service refuses what it has not looked at), else in doubt: behind a 500 or a gateway's 504 the write may have been done.
 * `sends`: with more than one, another endpoint was sent the request before, and what became of it there is not known.
 */
export function judgeResult(status: number, isResult: boolean, sends: number): KeySettlement {
  if (isResult) return 'keep'
  return (status < 500 || status === 503) && sends <= 1 ? 'release' : 'doubt'
}

/** Decides where no endpoint answered. `sends`: how often bytes of the request had left. */
export function judgeFailure(sends: number): KeySettlement {
  return sends > 0 ? 'doubt' : 'release'
}

/**
 * Whether an owner's settlement counts. Who comes back behind its lease, and finds the key taken by another, still brings a
 * result, and the first result stands; anything else it has to say is out of date.
 */
export function maySettle(record: KeyRecord | undefined, owner: string, settlement: KeySettlement): boolean {
  if (record === undefined) return settlement === 'keep'
  switch (record.state) {
    case 'kept':
      return false
    case 'uncertain':
      return settlement === 'keep'
    case 'claimed':
      return settlement === 'keep' || record.owner === owner
  }
}
