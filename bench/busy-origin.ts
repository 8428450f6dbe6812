import { createServer } from 'node:http'

/**
 * A backend with a capacity: it works on `SLOTS` requests at once, the others wait inside it, in order. A request takes
 * `SERVICE_MS`, and 1 % more for each that waits: queues cost something. Work is done even where the client has left meanwhile,
 * as in most backends. `node busy-origin.ts SLOTS SERVICE_MS` prints `listening PORT`. `/healthz` is answered at once.
 */
const [slots = 8, serviceMs = 20] = process.argv.slice(2).map(Number)
const contention = 0.01

const waiting: (() => void)[] = []
let running = 0

const server = createServer((request, response) => {
  const answer = (): void => void response.end('{"code":0}')
  response.setHeader('Content-Type', 'application/json')
  if (request.url === '/healthz') return answer()
  waiting.push(answer)
  next()
})
server.keepAliveTimeout = 3_600_000
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.stdout.write(`listening ${typeof address === 'object' ? address?.port : address}\n`)
})
process.once('SIGTERM', () => process.exit(0))

function next(): void {
  if (running === slots) return
  const answer = waiting.shift()
  if (answer === undefined) return
  running++
  setTimeout(
    () => {
      running--
      answer()
      next()
    },
    serviceMs * (1 + contention * waiting.length),
  )
}
