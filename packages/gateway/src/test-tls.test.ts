import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { connect, createServer, type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { RawClient } from '@budao/testkit'

/** A TLS client of 127.0.0.1 that says what it was shown. */
export interface TlsClient {
  readonly client: RawClient
  readonly socket: TLSSocket
  /** Common name of the certificate that the server has shown; empty when its session was resumed. */
  readonly subject: string
  readonly resumed: boolean
  /** Of this connection, to resume it: the last one that has arrived. */
  session(): Buffer | undefined
}

/** Connects, or rejects with what the handshake failed of. Certificates are not verified unless `options` say so. */
export async function tlsClient(
  t: TestContext,
  port: number,
  options: ConnectionOptions = {},
): Promise<TlsClient> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: options.ca !== undefined,
    ALPNProtocols: ['http/1.1'],
    ...options,
  })
  t.after(() => socket.destroy())
  let session: Buffer | undefined
  socket.on('session', (latest) => {
    session = latest
  })
  await once(socket, 'secureConnect')
  const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } }
  return {
    client: new RawClient(socket),
    socket,
    subject: subject?.CN ?? '',
    resumed: socket.isSessionReused(),
    session: () => session,
  }
}

/** What a TLS backend has seen. */
export interface TlsBackend {
  readonly address: string
  readonly port: number
  /** Server names asked for, one a connection; empty where none was. */
  readonly names: string[]
  /** Whether each connection resumed a session. */
  readonly resumed: boolean[]
  /** Common name of each client's certificate. */
  readonly clients: string[]
}

/** A backend that speaks TLS and answers every request with 200 and `body`. */
export async function tlsBackend(t: TestContext, options: TlsOptions, body = 'secure'): Promise<TlsBackend> {
  const names: string[] = []
  const resumed: boolean[] = []
  const clients: string[] = []
  const open = new Set<TLSSocket>()
  const server = createServer(options, (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    names.push(typeof socket.servername === 'string' ? socket.servername : '')
    resumed.push(socket.isSessionReused())
    const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } }
    clients.push(subject?.CN ?? '')
    let received = ''
    socket.on('data', (bytes) => {
      received += bytes.toString('latin1')
      for (let end = received.indexOf('\r\n\r\n'); end !== -1; end = received.indexOf('\r\n\r\n')) {
        received = received.slice(end + 4)
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const { port } = server.address() as AddressInfo
  return { address: `127.0.0.1:${port}`, port, names, resumed, clients }
}
