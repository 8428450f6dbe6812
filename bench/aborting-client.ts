import { connect } from 'node:net'
import type { Socket } from 'node:net'

/** The ways in which a client leaves. Each opens one connection of its own. */
export const waysToLeave = [
  'in the head',
  'in the body',
  'in a chunked body, by reset',
  'waiting for the answer',
  'waiting for the answer, by reset',
  'in the answer',
  'in the answer it does not read',
  'after closing its own direction',
  'with requests in the pipeline',
] as const

export type WayToLeave = (typeof waysToLeave)[number]

/** Nobody stays longer, whatever the server does. */
const stayMsMax = 5_000

const host = 'Host: shop.example\r\n'

/** Resolves once the client's side of the connection is closed. */
export function leave(port: number, way: WayToLeave): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const limit = setTimeout(() => socket.destroy(), stayMsMax)
    // What the server says to somebody who breaks off does not matter, nor that it resets.
    socket.on('error', () => {})
    socket.once('close', () => {
      clearTimeout(limit)
      resolve()
    })
    act(socket, way)
  })
}

function act(socket: Socket, way: WayToLeave): void {
  const goIn = (ms: number): void => void setTimeout(() => socket.destroy(), ms)
  const resetIn = (ms: number): void => void setTimeout(() => socket.resetAndDestroy(), ms)
  switch (way) {
    case 'in the head':
      socket.write(`GET /api/products HTTP/1.1\r\n${host}X-Half: `)
      return goIn(30)
    case 'in the body':
      socket.write(`POST /echo HTTP/1.1\r\n${host}Content-Length: 200000\r\n\r\n`)
      socket.write(Buffer.alloc(50_000, 0x61))
      return goIn(30)
    case 'in a chunked body, by reset':
      socket.write(
        `POST /echo HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n400\r\n${'a'.repeat(1_024)}\r\n`,
      )
      return resetIn(30)
    case 'waiting for the answer':
      socket.write(`GET /late?ms=60000 HTTP/1.1\r\n${host}\r\n`)
      return goIn(30)
    case 'waiting for the answer, by reset':
      socket.write(`GET /late?ms=60000 HTTP/1.1\r\n${host}\r\n`)
      return resetIn(30)
    case 'in the answer':
      socket.write(`GET /stream?ms=60000 HTTP/1.1\r\n${host}\r\n`)
      socket.once('data', () => socket.destroy())
      return
    case 'in the answer it does not read':
      socket.pause()
      socket.write(`GET /stream?ms=60000 HTTP/1.1\r\n${host}\r\n`)
      return resetIn(300)
    case 'after closing its own direction':
      socket.end(`GET /late?ms=60000 HTTP/1.1\r\n${host}\r\n`)
      return goIn(300)
    case 'with requests in the pipeline':
      socket.write(`GET /api/products HTTP/1.1\r\n${host}\r\n`.repeat(5))
      socket.once('data', () => socket.destroy())
  }
}
