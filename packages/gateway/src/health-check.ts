import { connect } from 'node:net'
import { statusMatcher, type HealthCheckConfig } from '@budao/model'
import { splitAddress } from './socket-address.ts'

// A plain import of `node:http` touches each of its exports, and with them loads WebSocket and fetch: 15 MB of memory.
const { request } = process.getBuiltinModule('node:http')

/** Asks an endpoint once, over a new connection. Resolves to an empty text when it is well, else to what is wrong. */
export function checkEndpoint(address: string, config: HealthCheckConfig): Promise<string> {
  return config.type === 'tcp' ? checkTcp(address, config) : checkHttp(address, config)
}

function checkHttp(address: string, config: HealthCheckConfig): Promise<string> {
  const [host, port] = splitAddress(address)
  const expected = statusMatcher(config.expectStatus)
  return new Promise((resolve) => {
    const headers = { host: config.host ?? address, 'user-agent': 'budao-health-check', connection: 'close' }
    const sent = request({ host, port, path: config.path, headers, agent: false }, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      finish(expected(status) ? '' : `answered ${status}, expected ${config.expectStatus.join(' or ')}`)
    })
    const timer = setTimeout(() => finish(`no answer within ${config.timeout} ms`), config.timeout)
    sent.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    sent.end()
    function finish(problem: string): void {
      clearTimeout(timer)
      resolve(problem)
      // The answer's head is enough. Errors of the ended socket have nobody left to tell.
      sent.destroy()
    }
  })
}

function checkTcp(address: string, config: HealthCheckConfig): Promise<string> {
  const [host, port] = splitAddress(address)
  return new Promise((resolve) => {
    const socket = connect({ host, port }, () => finish(''))
    const timer = setTimeout(() => finish(`no connection within ${config.timeout} ms`), config.timeout)
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message))
    function finish(problem: string): void {
      clearTimeout(timer)
      resolve(problem)
      socket.destroy()
    }
  })
}
