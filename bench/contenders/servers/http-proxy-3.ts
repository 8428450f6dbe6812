import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'http-proxy-3'

/** Without an agent of ours it opens a connection a request. Targets are parsed once, as `web` accepts them so. */
const [port, ...backends] = process.argv.slice(2)
const targets = backends.map((address) => new URL(`http://${address}`))
let turn = 0

const proxy = createProxyServer({
  agent: new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 }),
})
proxy.on('error', (_error, _request, response) => response.destroy())
const server = createServer((request, response) => {
  proxy.web(request, response, { target: targets[turn++ % targets.length]! })
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(port), '127.0.0.1')
