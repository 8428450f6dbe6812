import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** A certificate and its key, PEM. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
}

export interface CertificateWish {
  /** Default the first of `names`. */
  readonly commonName?: string
  /** DNS names, IPv4 addresses, and URIs. */
  readonly names?: readonly string[]
  /** Default an hour ago. */
  readonly from?: Date
  /** Default in 90 days. */
  readonly until?: Date
}

const HOUR_MS = 3_600_000
const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'))

/** A certificate authority for tests, made in a millisecond without any program. P-256, SHA-256. */
export class TestCa {
  /** Its own certificate, PEM. */
  readonly cert: string
  readonly #name: string
  readonly #key: KeyObject

  constructor(name = 'Budao Test CA') {
    this.#name = name
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    this.#key = privateKey
    this.cert = this.#certify(publicKey, { commonName: name }, true)
  }

  issue(wish: CertificateWish): TestCertificate {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' })
    return { cert: this.#certify(publicKey, wish, false), key }
  }

  #certify(publicKey: KeyObject, wish: CertificateWish, isCa: boolean): string {
    const { names = [], commonName = names[0] ?? '' } = wish
    const from = wish.from ?? new Date(Date.now() - HOUR_MS)
    const until = wish.until ?? new Date(Date.now() + 90 * 24 * HOUR_MS)
    const extensions = [
      // Basic constraints, critical; subject alternative names.
      sequence(oid('2.5.29.19'), boolean(true), octets(sequence(...(isCa ? [boolean(true)] : [])))),
      ...(names.length === 0
        ? []
        : [sequence(oid('2.5.29.17'), octets(sequence(...names.map(generalName))))]),
    ]
    const body = sequence(
      der(0xa0, der(0x02, Buffer.of(2))),
      der(0x02, Buffer.concat([Buffer.of(1), randomBytes(15)])),
      ecdsaWithSha256,
      distinguishedName(this.#name),
      sequence(time(from), time(until)),
      distinguishedName(commonName),
      createPublicKey(publicKey.export({ type: 'spki', format: 'pem' })).export({
        type: 'spki',
        format: 'der',
      }),
      der(0xa3, sequence(...extensions)),
    )
    const signature = sign('sha256', body, this.#key)
    return pem(sequence(body, ecdsaWithSha256, der(0x03, Buffer.concat([Buffer.of(0), signature]))))
  }
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

/** One DER value: tag, length, content. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function octets(content: Buffer): Buffer {
  return der(0x04, content)
}

function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.of(value ? 0xff : 0))
}

function oid(dotted: string): Buffer {
  const [first, second, ...others] = dotted.split('.').map(Number)
  const bytes = [first! * 40 + second!]
  for (const arc of others) {
    const septets = [arc & 0x7f]
    for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128))
      septets.unshift((rest & 0x7f) | 0x80)
    bytes.push(...septets)
  }
  return der(0x06, Buffer.from(bytes))
}

/** GeneralizedTime; years from 2050 on have no other. */
function time(at: Date): Buffer {
  return der(0x18, Buffer.from(at.toISOString().replace(/[-:T]|\.\d+/g, '')))
}

function distinguishedName(commonName: string): Buffer {
  if (commonName === '') return sequence()
  const name = sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(commonName)))
  return sequence(der(0x31, name))
}

function generalName(name: string): Buffer {
  if (name.includes('://')) return der(0x86, Buffer.from(name))
  return isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name))
}
