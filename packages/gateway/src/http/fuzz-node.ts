import { createServer, type IncomingMessage, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { originForm, pairs, type Reading, type ReadMessage } from './fuzz-readings.ts'

/** Turns of the event loop after which Node's server has dealt with what it was given, as a rule. */
const TURNS = 3
const TURNS_MAX = 40

type MutableMessage = { -readonly [Key in keyof ReadMessage]: ReadMessage[Key] }

/** Reads streams with the HTTP server of Node, strict as it comes, over connections in memory. */
export class NodeReader {
  readonly #server: Server

  constructor() {
    this.#server = createServer({
      insecureHTTPParser: false,
      requestTimeout: 0,
      headersTimeout: 0,
      keepAliveTimeout: 0,
    })
    this.#server.on('request', (request, response) => {
      record(request, (request.socket as unknown as MemoryConnection).messages)
      request.on('end', () => response.end())
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, connection) => {
      const memory = connection as unknown as MemoryConnection
      memory.code = error.code ?? error.message
    })
  }

  /** Reads each stream on a connection of its own. `patient` gives the server longer, for a stream that looked wrong. */
  async read(streams: readonly string[], patient = false): Promise<Reading[]> {
    const connections = streams.map((stream) => {
      const connection = new MemoryConnection()
      this.#server.emit('connection', connection)
      connection.push(Buffer.from(stream, 'latin1'))
      return connection
    })
    for (let turn = 0; turn < (patient ? TURNS_MAX : TURNS); turn++)
      await new Promise((done) => setImmediate(done))
    return connections.map((connection) => {
      const reading = connection.reading()
      connection.destroy()
      return reading
    })
  }
}

/** Keeps what a server got: `into` grows with the request and its body as they come. */
export function record(request: IncomingMessage, into: ReadMessage[]): void {
  const message: MutableMessage = {
    method: request.method ?? '',
    target: originForm(request.url ?? ''),
    headers: pairs(request.rawHeaders),
    body: '',
    trailers: [],
    complete: false,
  }
  into.push(message)
  request.on('data', (bytes: Buffer) => {
    message.body += bytes.toString('latin1')
  })
  request.on('end', () => {
    message.trailers = pairs(request.rawTrailers)
    message.complete = request.complete
  })
  // An incomplete request ends with an error when its connection is destroyed.
  request.on('error', () => {})
}

class MemoryConnection extends Duplex {
  readonly messages: ReadMessage[] = []
  code = ''
  #written = ''

  constructor() {
    super()
    this.on('error', () => {})
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#written += bytes.toString('latin1')
    done()
  }

  reading(): Reading {
    const refused = /HTTP\/1\.1 4\d\d/.test(this.#written)
    const end = this.code !== '' || refused ? 'refused' : this.writableEnded ? 'closed' : 'waiting'
    return { messages: this.messages, end, code: this.code }
  }
}
