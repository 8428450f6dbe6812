import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** `head`: a byte of a header at a time; `body`: a body in drops; `read`: a large answer, hardly read. */
export const waysToBeSlow = ['head', 'body', 'read'] as const

export type WayToBeSlow = (typeof waysToBeSlow)[number]

const host = 'Host: shop.example\r\n'
const dropMs = 500

/** One client that is slow on purpose, until the server has had enough or `stop` is called. */
export class SlowClient {
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout

  /** `onEnd` is told when the server has closed. */
  constructor(port: number, way: WayToBeSlow, onEnd: () => void) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => {
      clearInterval(this.#timer)
      onEnd()
    })
    // The answer that tells it off.
    if (way === 'read') socket.pause()
    else socket.resume()
    socket.write(beginning(way))
    this.#timer = setInterval(() => this.#drop(way), dropMs)
  }

  stop(): void {
    this.#socket.removeAllListeners('close')
    clearInterval(this.#timer)
    this.#socket.destroy()
  }

  #drop(way: WayToBeSlow): void {
    if (way === 'read') this.#socket.read(64)
    else if (this.#socket.writable) this.#socket.write('x')
  }
}

function beginning(way: WayToBeSlow): string {
  switch (way) {
    case 'head':
      return `GET /api/products HTTP/1.1\r\n${host}X-Slow: `
    case 'body':
      return `POST /echo HTTP/1.1\r\n${host}Content-Length: 100000\r\n\r\n`
    case 'read':
      return `GET /4m HTTP/1.1\r\n${host}\r\n`
  }
}
