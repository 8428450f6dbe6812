import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/*
 * Ports are given from below those that Linux gives to outgoing connections and to servers that listen on port 0
 * (net.ipv4.ip_local_port_range, from 32768), so none of those takes a port between the moment it is given and the
 * moment its server listens. Each process has a block of its own, by its id, and goes round in it: two names in one
 * test never get the same port, which a kernel that is asked twice for "any free port" does give now and then. A block
 * is taken by listening on its first port for as long as the process lives: ids of processes side by side may agree in it.
 */
const first = 10_000
const blockSize = 250
const blocks = 88
let given = 0
let block: Promise<number> | undefined

/** A TCP port of 127.0.0.1 on which nobody listens, not given again to this process for 249 calls, nor to another one. */
export async function freePort(): Promise<number> {
  const from = await (block ??= takeBlock())
  for (let tries = 1; tries < blockSize; tries++) {
    const port = from + 1 + (given++ % (blockSize - 1))
    if (await isFree(port)) return port
  }
  throw new Error(`every port of this process's block of ${blockSize} is taken`)
}

/** Its first port. */
async function takeBlock(): Promise<number> {
  for (let tries = 0; tries < blocks; tries++) {
    const port = first + ((process.pid + tries) % blocks) * blockSize
    const server = await listenOn(port)
    if (server === null) continue
    server.unref()
    return port
  }
  throw new Error(`all ${blocks} blocks of ports are taken`)
}

async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port)
  if (server === null) return false
  server.close()
  await once(server, 'close')
  return true
}

/** Null where somebody else listens. */
async function listenOn(port: number): Promise<Server | null> {
  const server = createServer()
  const listens = once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.listen(port, '127.0.0.1')
  return (await listens) ? server : null
}
