import { once } from 'node:events'
import { createServer } from 'node:net'

/*
 * Ports are given from below those that Linux gives to outgoing connections and to servers that listen on port 0
 * (net.ipv4.ip_local_port_range, from 32768), so none of those takes a port between the moment it is given and the
 * moment its server listens. Each process has a block of its own, by its id, and goes round in it: two names in one
 * test never get the same port, which a kernel that is asked twice for "any free port" does give now and then.
 */
const first = 10_000
const blockSize = 250
const blocks = 88
let given = 0

/** A TCP port of 127.0.0.1 on which nobody listens, not given again to this process for 250 calls. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < blockSize; tries++) {
    const port = first + (process.pid % blocks) * blockSize + (given++ % blockSize)
    if (await isFree(port)) return port
  }
  throw new Error(`every port of this process's block of ${blockSize} is taken`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const listens = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port, '127.0.0.1')
  if (!(await listens)) return false
  server.close()
  await once(server, 'close')
  return true
}
