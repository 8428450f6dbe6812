/** A clock that only moves forward. */
export interface Clock {
  /** Milliseconds since an arbitrary origin, never going back; may carry a fraction. */
  now(): number
}

/** A source of randomness. */
export interface Random {
  /** A number in [0, 1). */
  next(): number
}
