/** When a certificate is to be renewed. Milliseconds all. */
export interface CertificateLife {
  readonly validFrom: number
  readonly expiresAt: number
}

/**
 * `renewBeforeMs` before its end, but not before two thirds of its life: one that lives a week must not be renewed
 * without end. `spread`, from 0 to 1, takes up to a tenth of that time off, so that many gateways do not come at once.
 */
export function renewalAt(
  { validFrom, expiresAt }: CertificateLife,
  renewBeforeMs: number,
  spread: number,
): number {
  const window = Math.min(renewBeforeMs, (expiresAt - validFrom) / 3)
  return expiresAt - window * (1 - spread / 10)
}

/** How long to wait after so many failures in a row: twice as long each time, and up to a quarter less by `spread`. */
export function retryAfter(failures: number, baseMs: number, maxMs: number, spread: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 20)) * (1 - spread / 4)
}
