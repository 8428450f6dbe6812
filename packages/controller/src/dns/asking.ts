import packet, { type Answer, type DecodedPacket } from 'dns-packet'
import type { DnsTransport } from './dns-counts.ts'
import { networkOf } from './ip.ts'
import { recordText } from './record-text.ts'
import type { Responder } from './responder.ts'
import { ednsOptions, extendedErrors, recordTypes } from './wire.ts'

/** One record of an answer in text. */
export interface AskedRecord {
  readonly name: string
  readonly type: string
  /** Seconds. */
  readonly ttl: number
  readonly data: string
}

/** An answer in text. */
export interface Asked {
  /** Number of the code: 0 NOERROR, 3 NXDOMAIN, 5 REFUSED. */
  readonly status: number
  readonly records: readonly AskedRecord[]
  readonly authority: readonly AskedRecord[]
  /** Prefix length of clients for which it holds; null where the client's network has no part in it. */
  readonly scope: number | null
  /** No site is usable: the last good answer. */
  readonly stale: boolean
}

const namePattern =
  /^(?=.{1,254}$)(?:[\u0021-\u002d\u002f-\u007e]{1,63}\.)*[\u0021-\u002d\u002f-\u007e]{1,63}\.?$/

/** Whether a text can be a name in a question. */
export function isAskable(name: string): boolean {
  return namePattern.test(name) && name.replace(/\.$/, '').length <= 253
}

/**
 * Asks as a client would over DNS, so that every way to ask has the same answers.
 *
 * @param name one that `isAskable`
 * @param client address, or its network as `10.1.0.0/16`
 */
export function ask(
  responder: Responder,
  { name, type, client, over }: { name: string; type: string; client: string; over: DnsTransport },
): Asked {
  const message = packet.encode({
    type: 'query',
    id: 0,
    questions: [{ name: name.replace(/\.$/, ''), type: type as 'A', class: 'IN' }],
    additionals: [optRecord(client)],
  })
  const answer = packet.decode(responder.respond(message, client.split('/')[0]!, over)!)
  const options = answer.additionals!.flatMap((each) =>
    each.type === 'OPT' ? (each.options as readonly { code: number; data: Buffer }[]) : [],
  )
  const subnet = options.find(({ code }) => code === ednsOptions.clientSubnet)
  const error = options.find(({ code }) => code === ednsOptions.extendedError)
  return {
    status: statusOf(answer),
    records: texts(answer.answers!),
    authority: texts(answer.authorities!),
    scope: subnet === undefined ? null : subnet.data[3]!,
    stale: error !== undefined && error.data.readUInt16BE(0) === extendedErrors.staleAnswer,
  }
}

/** Whether a type's name can be asked for. */
export function isType(type: string): type is keyof typeof recordTypes {
  return Object.hasOwn(recordTypes, type)
}

function texts(answers: readonly Answer[]): AskedRecord[] {
  return answers.flatMap((answer) => {
    const data = recordText(answer)
    if (data === null || !('ttl' in answer)) return []
    return { name: answer.name, type: answer.type, ttl: answer.ttl ?? 0, data }
  })
}

function optRecord(client: string): Answer {
  const network = networkOf(client)
  const options = network === undefined ? [] : [{ code: ednsOptions.clientSubnet, data: subnetData(network) }]
  return {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 4_096,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
    options: options as never[],
  } as Answer
}

function subnetData({ address, length }: { readonly address: Uint8Array; readonly length: number }): Buffer {
  const bytes = Buffer.alloc(4 + Math.ceil(length / 8))
  bytes.writeUInt16BE(address.length === 4 ? 1 : 2, 0)
  bytes[2] = length
  bytes.set(address.subarray(0, bytes.length - 4), 4)
  if (length % 8 !== 0) bytes[bytes.length - 1]! &= 0xff << (8 - (length % 8))
  return bytes
}

function statusOf(answer: DecodedPacket): number {
  return (answer.flags ?? 0) & 15
}
