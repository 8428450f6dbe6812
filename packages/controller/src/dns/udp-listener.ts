import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { DnsCounts } from './dns-counts.ts'
import type { Responder } from './responder.ts'

/** Answers that the machine has not taken yet; beyond that they are dropped, as a full wire would. */
const QUEUED_BYTES_MAX = 1_048_576
/** Room for a burst while the process is busy with something else. */
const RECEIVE_BYTES = 4_194_304

/** Questions over UDP at one address. */
export class UdpListener {
  readonly #socket: Socket

  /** Rejects where the address cannot be bound. */
  static async open(
    host: string,
    port: number,
    responder: Responder,
    counts: DnsCounts,
  ): Promise<UdpListener> {
    const family = host.includes(':') ? 6 : 4
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Answers go to addresses: looking those up as names would cost a turn of the event loop each.
      lookup: (address, _options, done) => done(null, address, family),
    })
    // With the address as it is, binding is over within the call.
    const listening = once(socket, 'listening')
    socket.bind({ address: host, port, exclusive: true })
    await listening
    try {
      socket.setRecvBufferSize(RECEIVE_BYTES)
    } catch {
      // The system allows less, and has its own way to say so.
    }
    return new UdpListener(socket, responder, counts)
  }

  private constructor(socket: Socket, responder: Responder, counts: DnsCounts) {
    this.#socket = socket
    socket.on('message', (message, { address, port }) => {
      // Nobody sends from port 0 but to make trouble: the answer could not be sent.
      if (port === 0) return void counts.ignored++
      const answer = responder.respond(message, address, 'udp')
      if (answer === null) return
      if (socket.getSendQueueSize() > QUEUED_BYTES_MAX) return void counts.unsent++
      socket.send(answer, 0, answer.length, port, address)
    })
    socket.on('error', () => counts.unsent++)
  }

  get port(): number {
    return this.#socket.address().port
  }

  close(): Promise<void> {
    return new Promise((closed) => this.#socket.close(closed))
  }
}
