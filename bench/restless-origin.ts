import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { SeededDraws } from '@budao/testkit'
import { productJson } from './product.ts'

/**
 * A backend that closes idle connections when it likes: between 0 and `IDLE_MS` after an answer, often just when the
 * next request arrives. `node restless-origin.ts SEED IDLE_MS` prints `listening PORT`; `/stats` says how many it closed.
 */
const [seed, idleMs] = process.argv.slice(2).map(Number)
const random = new SeededDraws(seed!)
const stats = { answered: 0, closed: 0 }
const timers = new WeakMap<Socket, NodeJS.Timeout>()

const server = createServer((request, response) => {
  const { socket } = request
  clearTimeout(timers.get(socket))
  if (request.url === '/stats') {
    response.end(JSON.stringify(stats))
    return
  }
  response.setHeader('Content-Type', 'application/json')
  response.setHeader('Content-Length', productJson.length)
  response.end(productJson)
  stats.answered++
  const closing = setTimeout(() => {
    stats.closed++
    socket.destroy()
  }, random.next() * idleMs!)
  timers.set(socket, closing)
})
// It says nothing of when it closes: a promise would be kept.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`listening ${typeof address === 'object' ? address?.port : address}\n`)
})
process.once('SIGTERM', () => process.exit(0))
