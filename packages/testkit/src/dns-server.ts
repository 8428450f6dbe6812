import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import packet, { type Answer, type DecodedPacket, type SrvData } from 'dns-packet'

/** What a zone holds of one name. */
export interface DnsRecords {
  readonly a?: readonly string[]
  readonly aaaa?: readonly string[]
  readonly srv?: readonly SrvData[]
  /** Seconds. Default 60. */
  readonly ttl?: number
}

/**
 * How the server answers.
 * - `normal`: from the zone; NXDOMAIN for what it does not hold
 * - `silent`: not at all
 * - `servfail`, `refused`, `nxdomain`: with that code
 * - `empty`: the name exists, without any record
 * - `truncated`: over UDP only that TCP is to be asked, which answers as `normal`
 * - `cut-off`: truncated, and TCP connections are closed at once
 * - `garbage`: bytes that are no DNS message
 */
export type DnsBehaviour =
  | 'normal'
  | 'silent'
  | 'servfail'
  | 'refused'
  | 'nxdomain'
  | 'empty'
  | 'truncated'
  | 'cut-off'
  | 'garbage'

const codes = { servfail: 2, nxdomain: 3, refused: 5 } as const
const TRUNCATED = 0x0200

/** An authoritative DNS server on 127.0.0.1, over UDP and TCP at one port, that answers as a test says. */
export class DnsServer {
  readonly port: number
  /** As `dns.servers` wants it. */
  readonly address: string
  behaviour: DnsBehaviour = 'normal'
  /** Every question so far, as `A shop.internal`. */
  readonly questions: string[] = []
  /** How many of them came over TCP. */
  overTcp = 0
  readonly #zone: Map<string, DnsRecords> = new Map()
  readonly #udp: UdpSocket
  readonly #tcp: Server
  readonly #open: Set<Socket> = new Set()

  constructor(udp: UdpSocket, tcp: Server) {
    this.#udp = udp
    this.#tcp = tcp
    this.port = udp.address().port
    this.address = `127.0.0.1:${this.port}`
    udp.on('message', (message, { port, address }) => {
      const answer = this.#answer(message, 'udp')
      if (answer !== undefined) udp.send(answer, port, address)
    })
    tcp.on('connection', (socket) => this.#onConnection(socket))
  }

  /** Gives a name these records in place of those it had. */
  set(name: string, records: DnsRecords): void {
    this.#zone.set(name.toLowerCase(), records)
  }

  /** The name no longer exists. */
  delete(name: string): void {
    this.#zone.delete(name.toLowerCase())
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    this.#tcp.close()
    await new Promise<void>((closed) => this.#udp.close(closed))
  }

  #onConnection(socket: Socket): void {
    this.#open.add(socket)
    socket.on('close', () => this.#open.delete(socket)).on('error', () => {})
    if (this.behaviour === 'cut-off') return void socket.destroy()
    let received: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const answer = this.#answer(received.subarray(2), 'tcp')
      if (answer === undefined) return
      const length = Buffer.alloc(2)
      length.writeUInt16BE(answer.length)
      socket.end(Buffer.concat([length, answer]))
    })
  }

  #answer(message: Buffer, over: 'udp' | 'tcp'): Buffer | undefined {
    const query = packet.decode(message)
    const [question] = query.questions ?? []
    if (question === undefined) return undefined
    this.questions.push(`${question.type} ${question.name}`)
    if (over === 'tcp') this.overTcp++
    switch (this.behaviour) {
      case 'silent':
        return undefined
      case 'garbage':
        return Buffer.concat([message.subarray(0, 2), Buffer.from('not a message')])
      case 'servfail':
      case 'refused':
      case 'nxdomain':
        return encode(query, [], codes[this.behaviour])
      case 'empty':
        return encode(query, [], 0)
      case 'truncated':
      case 'cut-off':
        if (over === 'udp') return encode(query, [], TRUNCATED)
        break
      case 'normal':
    }
    const records = this.#zone.get(question.name.toLowerCase())
    if (records === undefined) return encode(query, [], codes.nxdomain)
    return encode(query, answersOf(question.name, question.type, records), 0)
  }
}

/** Starts a DNS server that ends with the test. */
export async function dnsServer(
  t: TestContext,
  zone: Readonly<Record<string, DnsRecords>> = {},
): Promise<DnsServer> {
  const { udp, tcp } = await bindBoth()
  const server = new DnsServer(udp, tcp)
  t.after(() => server.close())
  for (const [name, records] of Object.entries(zone)) server.set(name, records)
  return server
}

/** A port that is free for TCP need not be for UDP: another one is tried then. */
async function bindBoth(): Promise<{ udp: UdpSocket; tcp: Server }> {
  for (let attempt = 0; ; attempt++) {
    const tcp = createServer()
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    const udp = createSocket('udp4')
    try {
      udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1')
      await once(udp, 'listening')
      return { udp, tcp }
    } catch (error) {
      udp.close()
      tcp.close()
      if (attempt >= 10) throw error
    }
  }
}

function answersOf(name: string, type: string, records: DnsRecords): Answer[] {
  const { a = [], aaaa = [], srv = [], ttl = 60 } = records
  switch (type) {
    case 'A':
      return a.map((data) => ({ type: 'A', name, ttl, data }))
    case 'AAAA':
      return aaaa.map((data) => ({ type: 'AAAA', name, ttl, data }))
    case 'SRV':
      return srv.map((data) => ({ type: 'SRV', name, ttl, data }))
    default:
      return []
  }
}

function encode(query: DecodedPacket, answers: Answer[], flags: number): Buffer {
  return packet.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: packet.AUTHORITATIVE_ANSWER | flags,
    questions: query.questions ?? [],
    answers,
  })
}
