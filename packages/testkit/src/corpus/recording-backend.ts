import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'

const PLAIN = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok'

/**
 * A backend that keeps every byte it gets and answers the first request of each connection with bytes it was told.
 * Later requests on the connection get a plain answer.
 */
export class RecordingBackend implements AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string
  /** Everything that arrived, by connection in order, latin1. */
  readonly received: string[] = []
  readonly #server: Server
  readonly #sockets: Set<Socket> = new Set()
  #answer = PLAIN
  #closes = true

  private constructor(server: Server) {
    this.#server = server
    this.address = `127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('connection', (socket: Socket) => this.#take(socket))
  }

  static async start(): Promise<RecordingBackend> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new RecordingBackend(server)
  }

  /** Answers so from now on; without arguments with a plain 200 and the end of the connection. */
  answerWith(bytes: string = PLAIN, closes: boolean = true): void {
    this.#answer = bytes
    this.#closes = closes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #take(socket: Socket): void {
    const index = this.received.push('') - 1
    this.#sockets.add(socket)
    socket.setEncoding('latin1')
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    let answered = false
    socket.on('data', (text: string) => {
      this.received[index] += text
      if (answered) {
        // Somebody trusted this connection again: the request gets its answer, and the record shows where it came.
        if (text.includes('\r\n\r\n')) socket.end(PLAIN, 'latin1')
        return
      }
      if (!this.received[index]!.includes('\r\n\r\n')) return
      answered = true
      if (this.#closes) socket.end(this.#answer, 'latin1')
      else socket.write(this.#answer, 'latin1')
    })
  }
}
