import { isIP, type TcpNetConnectOpts } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { checkSans, type UpstreamTlsConfig } from '@budao/model'
import { nodeTls } from './builtins.ts'
import type { ServiceTls } from './tls-material.ts'

/** TLS from one thread to one endpoint. What changes gets a new one; connections stay with theirs. */
export class UpstreamTls {
  readonly handshakeMs: number
  readonly #config: UpstreamTlsConfig
  readonly #context: SecureContext
  readonly #host: string
  /** The last one that the endpoint gave: the next connection resumes it and spares both the costly part. */
  #session: Buffer | undefined

  constructor(host: string, config: UpstreamTlsConfig, material: ServiceTls, handshakeMs: number) {
    this.handshakeMs = handshakeMs
    this.#config = config
    this.#context = nodeTls().createSecureContext({ ...material, minVersion: config.minVersion })
    this.#host = config.serverName ?? host
  }

  /** Ready with `secureConnect`; an endpoint that is not who it should be is an `error`. */
  connect(dial: TcpNetConnectOpts): TLSSocket {
    const { checkServerIdentity, connect } = nodeTls()
    const { sans, verify } = this.#config
    const socket = connect({
      ...dial,
      secureContext: this.#context,
      // RFC 6066 §3: an address is no name. An empty one keeps Node from taking the host.
      servername: isIP(this.#host) === 0 ? this.#host : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: verify,
      checkServerIdentity: (_, certificate) =>
        sans === undefined
          ? checkServerIdentity(this.#host, certificate)
          : checkSans(sans, certificate, checkServerIdentity),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    })
    socket.on('session', (session) => {
      this.#session = session
    })
    return socket
  }
}

/** What a failed connection is to be told with: Node's words, and its code where they do not say it. */
export function tlsProblem(error: NodeJS.ErrnoException | undefined): string {
  if (error === undefined) return 'the endpoint closed it during the handshake'
  const { code, message } = error
  return code === undefined || message.includes(code) ? message : `${message} (${code})`
}
