import { createServer } from 'node:http'
import { createProxyServer } from 'httpxy'

/** Its own agent keeps connections, 256 to a backend. Targets are parsed once, as `web` accepts them so. */
const [port, ...backends] = process.argv.slice(2)
const targets = backends.map((address) => new URL(`http://${address}`))
let turn = 0

const proxy = createProxyServer({})
const server = createServer((request, response) => {
  proxy.web(request, response, { target: targets[turn++ % targets.length]! }).catch(() => response.destroy())
})
server.keepAliveTimeout = 3_600_000
server.listen(Number(port), '127.0.0.1')
