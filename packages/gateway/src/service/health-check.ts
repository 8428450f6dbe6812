import { connect, type Socket } from 'node:net'
import { statusMatcher, type HealthCheckConfig, type ProxyProtocolVersion } from '@budao/model'
import { proxyHeaderV1, proxyHeaderV2 } from '../l4/proxy-header.ts'
import { splitAddress } from '../client/socket-address.ts'
import { tlsProblem, type UpstreamTls } from '../tls/upstream-tls.ts'

const http = process.getBuiltinModule('node:http')

/** Asks an endpoint once, over a new connection. Resolves to an empty text when it is well, else to what is wrong. */
export function checkEndpoint(
  address: string,
  config: HealthCheckConfig,
  tls: UpstreamTls | null = null,
  proxyProtocol?: ProxyProtocolVersion,
): Promise<string> {
  const open = (): Socket => {
    const [host, port] = splitAddress(address)
    if (tls !== null) return tls.connect({ host, port })
    const socket = connect({ host, port })
    // Whoever expects such a header reads nothing else first; this one says that nobody is behind the gateway.
    if (proxyProtocol !== undefined)
      socket.write(proxyProtocol === 'v1' ? proxyHeaderV1(null) : proxyHeaderV2(null))
    return socket
  }
  return config.type === 'tcp' ? checkTcp(open(), config, tls) : checkHttp(address, open, config, tls)
}

function checkHttp(
  address: string,
  open: () => Socket,
  config: HealthCheckConfig,
  tls: UpstreamTls | null,
): Promise<string> {
  const expected = statusMatcher(config.expectStatus)
  return new Promise((resolve) => {
    const headers = { host: config.host ?? address, 'user-agent': 'budao-health-check', connection: 'close' }
    const sent = http.request({ path: config.path, headers, createConnection: open }, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      finish(expected(status) ? '' : `answered ${status}, expected ${config.expectStatus.join(' or ')}`)
    })
    const timer = setTimeout(() => finish(`no answer within ${config.timeout} ms`), config.timeout)
    sent.on('error', (error) => finish(problemOf(error, tls)))
    sent.end()
    function finish(problem: string): void {
      clearTimeout(timer)
      resolve(problem)
      // The answer's head is enough. Errors of the ended socket have nobody left to tell.
      sent.destroy()
    }
  })
}

/** With TLS the handshake belongs to it. */
function checkTcp(socket: Socket, config: HealthCheckConfig, tls: UpstreamTls | null): Promise<string> {
  return new Promise((resolve) => {
    socket.on(tls === null ? 'connect' : 'secureConnect', () => finish(''))
    const timer = setTimeout(() => finish(`no connection within ${config.timeout} ms`), config.timeout)
    socket.on('error', (error) => finish(problemOf(error, tls)))
    function finish(problem: string): void {
      clearTimeout(timer)
      resolve(problem)
      socket.destroy()
    }
  })
}

/** The code of the system says it best, the words of TLS say more than their codes. */
function problemOf(error: NodeJS.ErrnoException, tls: UpstreamTls | null): string {
  const plain = tls === null || error.syscall !== undefined
  return (plain ? error.code : undefined) ?? tlsProblem(error)
}
