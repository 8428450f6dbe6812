import packet, { type Answer } from 'dns-packet'
import { HEADER_BYTES, QUESTION_POINTER, recordTypes } from './wire.ts'

/** Records of one name and type, ready to be copied into an answer: each begins with a pointer to the question's name. */
export interface RecordSet {
  readonly bytes: Buffer
  readonly count: number
  /** Where the times to live stand in `bytes`. */
  readonly ttlAt: readonly number[]
  /** Seconds. */
  readonly ttl: number
}

/** What a record holds besides its name. */
export type RecordBody = Omit<Extract<Answer, { data: unknown }>, 'name' | 'class'>

/** Bytes of type and class before a record's time to live, behind its name. */
const BEFORE_TTL = 4
const POINTER_BYTES = 2

/** Encodes records of one name and type. */
export function recordSet(bodies: readonly RecordBody[], ttl: number): RecordSet {
  const parts: Buffer[] = []
  const ttlAt: number[] = []
  let length = 0
  for (const body of bodies) {
    const bytes = recordBytes(body, ttl)
    ttlAt.push(length + POINTER_BYTES + BEFORE_TTL)
    parts.push(bytes)
    length += bytes.length
  }
  return { bytes: Buffer.concat(parts), count: bodies.length, ttlAt, ttl }
}

/** Addresses of one family. */
export function addressSet(addresses: readonly string[], type: 'A' | 'AAAA', ttl: number): RecordSet {
  const own = addresses.filter((address) => address.includes(':') === (type === 'AAAA'))
  return recordSet(
    own.map((data) => ({ type, data })),
    ttl,
  )
}

/** A record of the question's name. */
function recordBytes(body: RecordBody, ttl: number): Buffer {
  // Encoded with the root as its name, one byte, in place of which the pointer goes.
  const answer = { ...body, name: '.', ttl, class: 'IN' } as Answer
  const message = packet.encode({ type: 'response', id: 0, answers: [answer] })
  const bytes = Buffer.alloc(message.length - HEADER_BYTES - 1 + POINTER_BYTES)
  bytes.writeUInt16BE(QUESTION_POINTER, 0)
  message.copy(bytes, POINTER_BYTES, HEADER_BYTES + 1)
  return bytes
}

/** How to answer a question for ANY without giving everything (RFC 8482). */
export const anySet: RecordSet = recordSet([{ type: 'HINFO', data: { cpu: 'RFC8482', os: '' } }], 3_789)

/** Number of a type by its name. */
export function typeNumber(type: keyof typeof recordTypes): number {
  return recordTypes[type]
}
