import { Agent, createServer } from 'node:http'
import { createProxyServer } from 'httpxy'

/** The same agent as for http-proxy-3: httpxy's own keeps connections too, but fewer of them idle. */
const [port, ...backends] = process.argv.slice(2)
const targets = backends.map((address) => new URL(`http://${address}`))
let turn = 0

const proxy = createProxyServer({
  agent: new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 256 }),
})
const server = createServer((request, response) => {
  proxy.web(request, response, { target: targets[turn++ % targets.length]! }).catch(() => response.destroy())
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(port), '127.0.0.1')
