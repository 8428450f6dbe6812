/** Milliseconds in one unit of `grpc-timeout`. */
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/**
 * How long the sender waits for an answer, milliseconds: digits alone (`250`), or digits with a unit as `grpc-timeout`
 * has them (`250m`, `2S`; H, M, S, m, u, n). At most eight digits, as there. -1 for anything else, which then binds nobody.
 */
export function parseTimeoutHeader(text: string): number {
  const { length } = text
  const last = text.charCodeAt(length - 1)
  const isPlain = last >= 0x30 && last <= 0x39
  const digits = isPlain ? length : length - 1
  if (digits < 1 || digits > 8) return -1
  let value = 0
  for (let i = 0; i < digits; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  if (isPlain) return value
  const unit = unitMs[text[length - 1]!]
  return unit === undefined ? -1 : value * unit
}
