import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { reset } from './reset.ts'

/** What the network between two programs does. Delays in milliseconds. */
export type Fault =
  | { readonly kind: 'none' }
  /** New connections are closed at once; what is open is closed. */
  | { readonly kind: 'drop' }
  /** Everything is accepted, nothing arrives: what a lost route looks like. */
  | { readonly kind: 'blackhole' }
  /** Each read is passed on that much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** New connections are reset; what is open is reset. */
  | { readonly kind: 'reset' }
  /** Each connection is closed after so many bytes towards the client. */
  | { readonly kind: 'truncate'; readonly bytes: number }
  /** So many bytes a second and direction, in steps of 20 ms. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }

/** A TCP proxy on 127.0.0.1 in front of one port, which can be told what to break. */
export class FaultProxy {
  readonly port: number
  /** As an endpoint's address: `127.0.0.1:PORT`. */
  readonly address: string
  /** Connections accepted since the start. */
  accepted = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #fault: Fault = { kind: 'none' }

  constructor(server: Server, targetPort: number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.address = `127.0.0.1:${this.port}`
    server.on('connection', (client) => this.#accept(client, targetPort))
  }

  get fault(): Fault {
    return this.#fault
  }

  /** From now on, for open connections too. */
  set(fault: Fault): void {
    this.#fault = fault
    if (fault.kind === 'drop') for (const socket of this.#sockets) socket.destroy()
    if (fault.kind === 'reset') for (const socket of this.#sockets) reset(socket)
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #accept(client: Socket, targetPort: number): void {
    this.accepted++
    if (this.#fault.kind === 'drop') return void client.destroy()
    if (this.#fault.kind === 'reset') return void reset(client)
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    client.setNoDelay(true)
    for (const socket of [client, upstream]) this.#track(socket)
    this.#pump(client, upstream, false)
    this.#pump(upstream, client, true)
    // A failure on one side is a reset for the other, as if there were no proxy.
    client.on('error', () => reset(upstream))
    upstream.on('error', () => reset(client))
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroySoon())
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
  }

  /** Copies one direction. Each piece goes through `#pass` before the next is read, so order and back-pressure hold. */
  #pump(from: Socket, to: Socket, towardsClient: boolean): void {
    let passed = 0
    const run = async (): Promise<void> => {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        const fault = this.#fault
        if (fault.kind === 'truncate' && towardsClient && passed + chunk.length >= fault.bytes) {
          to.end(chunk.subarray(0, fault.bytes - passed))
          from.destroy()
          return
        }
        passed += chunk.length
        await this.#pass(chunk, to)
      }
      if (this.#fault.kind !== 'blackhole') to.end()
    }
    // Errors reach both ends by the 'error' handlers above.
    run().catch(() => {})
  }

  async #pass(chunk: Buffer, to: Socket): Promise<void> {
    const fault = this.#fault
    if (fault.kind === 'blackhole') return
    if (fault.kind === 'delay') await pause(fault.ms, to)
    if (fault.kind !== 'throttle') return await write(to, chunk)
    const step = Math.max(1, Math.floor(fault.bytesPerSecond / 50))
    for (let at = 0; at < chunk.length; at += step) {
      await write(to, chunk.subarray(at, at + step))
      await pause(20, to)
    }
  }
}

/** Starts a fault proxy in front of `targetPort` that ends with the test. It begins without a fault. */
export async function faultProxy(t: TestContext, targetPort: number): Promise<FaultProxy> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy = new FaultProxy(server, targetPort)
  t.after(() => proxy.close())
  return proxy
}

/** Resolves after `ms`, or as soon as the socket is gone. */
function pause(ms: number, socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      socket.off('close', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    socket.once('close', done)
  })
}

function write(to: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}
