import { Agent, request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { WxFailureKind } from './wx-failures.ts'
import type { WxCarrier, WxCarrierUser, WxNotes, WxSent } from './wx-network.ts'

export interface RealNetworkOptions {
  /** Ports of this machine by host name: what is not here is not resolved. */
  readonly hosts: ReadonlyMap<string, number>
  /** Who signs certificates that the phone trusts, PEM. */
  readonly ca: string
}

/** Sockets and TLS of Node behind `wx.request`: errors come with the platform's texts and numbers. */
export class RealNetwork implements WxCarrier {
  readonly #options: RealNetworkOptions
  readonly #agent: Agent

  constructor(options: RealNetworkOptions) {
    this.#options = options
    this.#agent = new Agent({ keepAlive: true, ca: options.ca })
  }

  /** Closes kept connections. */
  close(): void {
    this.#agent.destroy()
  }

  carry(request: WxSent, user: WxCarrierUser): () => void {
    return this.#send(request, user, 0)
  }

  #send(sent: WxSent, user: WxCarrierUser, retryCount: number): () => void {
    const { hostname, pathname, search } = new URL(sent.url)
    const port = this.#options.hosts.get(hostname)
    if (port === undefined) {
      const timer = setImmediate(() => user.onFailure('dns'))
      return () => clearImmediate(timer)
    }
    let gone = false
    let breakOff = (): void => {}
    let secure = false
    let answered = false
    const requestStart = performance.now()
    const request = httpsRequest({
      agent: this.#agent,
      host: '127.0.0.1',
      port,
      servername: hostname,
      method: sent.method,
      path: pathname + search,
      headers: { ...sent.header, host: hostname },
    })
    const notes = (): WxNotes => ({
      requestStart,
      responseStart: performance.now(),
      socketReused: request.reusedSocket,
      protocol: 'http1.1',
      peerIP: '127.0.0.1',
      retryCount,
    })
    const fail = (error: NodeJS.ErrnoException): void => {
      if (gone) return
      gone = true
      // As Chromium does it, whatever the method: a kept connection that was closed just then is replaced unseen.
      if (request.reusedSocket && !answered && retryCount === 0)
        breakOff = this.#send(sent, user, retryCount + 1)
      else user.onFailure(answered ? 'mismatch' : failureOf(error, secure || request.reusedSocket), notes())
    }
    request.on('socket', (socket) => socket.once('secureConnect', () => (secure = true)))
    request.on('error', fail)
    request.on('response', (response) => {
      answered = true
      const header = headerOf(response)
      if (!gone) user.onHeaders(header, response.statusCode ?? 0)
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        if (gone) return
        gone = true
        user.onAnswer({ status: response.statusCode ?? 0, header, body: Buffer.concat(chunks) }, notes())
      })
    })
    request.end(sent.data)
    breakOff = () => {
      gone = true
      request.destroy()
    }
    return () => breakOff()
  }
}

function headerOf({ rawHeaders }: IncomingMessage): Readonly<Record<string, string>> {
  const header: Record<string, string> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) header[rawHeaders[i]!] = rawHeaders[i + 1]!
  return header
}

/** What the platform calls an error of Node's. */
function failureOf({ code = '', message }: NodeJS.ErrnoException, secure: boolean): WxFailureKind {
  if (code === 'ECONNREFUSED') return 'refused'
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') return 'certificateDate'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'certificateName'
  if (/^(UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_)/.test(code)) return 'certificate'
  if (/^(ERR_SSL_|EPROTO)/.test(code)) return 'tls'
  if (code === 'EPIPE') return 'closed'
  if (/socket hang up/.test(message) && secure) return 'empty'
  return 'reset'
}
