import { once } from 'node:events'
import { lookup } from 'node:dns/promises'
import type { RequestListener, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Address } from './address.ts'

const http = process.getBuiltinModule('node:http')

const connectionsMax = 256
const requestTimeoutMs = 10_000
const keepAliveMs = 72_000
const checkEveryMs = 1_000

/** Where requests come in. */
export interface AdminListener {
  readonly port: number
  /** Ends all connections, those that are being answered included, and takes no more. */
  close(): Promise<void>
}

/**
 * Listens at an address, at most 256 connections at once; a request that is not whole within 10 s is refused. Rejects
 * when the address cannot be listened on.
 */
export async function listen({ host, port }: Address, handle: RequestListener): Promise<AdminListener> {
  const first = await serverAt(host, port, handle)
  const bound = first.address() as AddressInfo
  const servers = [first]
  if (host === 'localhost') servers.push(...(await besides(host, bound, handle)))
  return {
    port: bound.port,
    async close() {
      await Promise.all(servers.map(closed))
    },
  }
}

async function serverAt(host: string, port: number, handle: RequestListener): Promise<Server> {
  const server = http.createServer(
    {
      // Both: of two that differ Node takes the greater one for the whole request.
      requestTimeout: requestTimeoutMs,
      headersTimeout: requestTimeoutMs,
      connectionsCheckingInterval: checkEveryMs,
      keepAliveTimeout: keepAliveMs,
    },
    handle,
  )
  server.maxConnections = connectionsMax
  server.on('clientError', refuseGarbage)
  server.listen({ host, port })
  await once(server, 'listening')
  // Where the system has no descriptors left, accepting fails: what is open goes on.
  server.on('error', () => {})
  return server
}

/** `localhost` is often two addresses, and a client takes either. One that cannot be had is done without. */
async function besides(name: string, bound: AddressInfo, handle: RequestListener): Promise<Server[]> {
  const all = await lookup(name, { all: true }).catch(() => [])
  const others = new Set(all.map(({ address }) => address))
  others.delete(bound.address)
  const tries = await Promise.allSettled([...others].map((host) => serverAt(host, bound.port, handle)))
  return tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function refuseGarbage(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return socket.destroy() && undefined
  const body = JSON.stringify({ error: 'bad-request', message: 'this is not an HTTP request we can read' })
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
  )
}
