/** Digits of 24 bits, least first: two of them multiplied, with all that is added, stay below 2^53. */
type Big = number[]

const BASE = 2 ** 24

/** `base` to the power 65537, or what `exponent` is, modulo `modulus`; all in hexadecimal, the result as long as the modulus. */
export function powerModulo(base: string, exponent: string, modulus: string): string {
  const n = bigOf(modulus)
  const x = bigOf(base.padStart(modulus.length, '0'))
  let power: Big | null = null
  for (const bit of parseInt(exponent, 16).toString(2)) {
    if (power !== null) power = timesModulo(power, power, n)
    if (bit === '1') power = power === null ? x : timesModulo(power, x, n)
  }
  return power!
    .reduceRight((hex, digit) => hex + digit.toString(16).padStart(6, '0'), '')
    .slice(-modulus.length)
}

function bigOf(hex: string): Big {
  const digits: Big = []
  for (let end = hex.length; end > 0; end -= 6)
    digits.push(parseInt(hex.slice(Math.max(0, end - 6), end), 16))
  return digits
}

/**
 * a × b modulo n, one digit of `a` after the other. How often n goes into what there is, is told by the leading digits: to one
 * more or less, which the end of each round puts right.
 */
function timesModulo(a: Big, b: Big, n: Big): Big {
  let sum: Big = n.map(() => 0)
  for (let i = n.length - 1; i >= 0; i--) {
    const digit = a[i]!
    const times = Math.floor((leading(sum) * BASE + leading(b) * digit) / leading(n))
    let carry = 0
    const next = n.map((of, j) => {
      const value = (sum[j - 1] ?? 0) + digit * b[j]! - times * of + carry
      carry = Math.floor(value / BASE)
      return value - carry * BASE
    })
    // What the digits above hold: -1, 0 or 1 times the base, and a remainder of n.
    carry += sum[n.length - 1]!
    sum = carry < 0 ? added(next, n, 1) : next
    if (carry >= 0 && (carry > 0 || !isLess(sum, n))) sum = added(sum, n, -1)
  }
  return sum
}

/** The value of the four leading digits, in units of the fourth: as exact as a number can be. */
function leading(of: Big): number {
  const top = of.length
  return ((of[top - 1]! * BASE + of[top - 2]!) * BASE + of[top - 3]!) * BASE + of[top - 4]!
}

function added(a: Big, b: Big, times: 1 | -1): Big {
  let carry = 0
  return a.map((digit, i) => {
    const value = digit + times * b[i]! + carry
    carry = Math.floor(value / BASE)
    return value - carry * BASE
  })
}

function isLess(a: Big, b: Big): boolean {
  for (let i = a.length - 1; i >= 0; i--) if (a[i] !== b[i]) return a[i]! < b[i]!
  return false
}
