const fraction = (root: number): number => ((root - Math.floor(root)) * 2 ** 32) | 0

/** SHA-256 (FIPS 180-4) of a text of ASCII, in hexadecimal. The constants are computed as they are defined, from primes. */
export function sha256(text: string): string {
  const primes: number[] = []
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime > 0)) primes.push(n)
  const keys = primes.map((prime) => fraction(prime ** (1 / 3)))
  let hash = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)))

  const words: number[] = []
  for (let i = 0; i <= text.length; i++)
    words[i >> 2]! |= (i < text.length ? text.charCodeAt(i) : 0x80) << (24 - (i % 4) * 8)
  const size = ((text.length + 8) >> 6) * 16 + 16
  words[size - 1] = text.length * 8

  for (let block = 0; block < size; block += 16) {
    const w = Array.from({ length: 16 }, (_, i) => words[block + i]! | 0)
    let [a, b, c, d, e, f, g, h] = hash as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      if (i > 15) {
        const x = w[i - 15]!
        const y = w[i - 2]!
        const s0 = turned(x, 7) ^ turned(x, 18) ^ (x >>> 3)
        const s1 = turned(y, 17) ^ turned(y, 19) ^ (y >>> 10)
        w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
      }
      const t1 = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + keys[i]! + w[i]!
      const t2 = (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    hash = [a, b, c, d, e, f, g, h].map((word, i) => (word + hash[i]!) | 0)
  }
  return hash.map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
}

function turned(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by))
}
