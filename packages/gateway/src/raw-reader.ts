import type { Socket } from 'node:net'
import { Readable } from 'node:stream'

/**
 * Hands over what arrives on an accepted socket without the buffering of streams: the socket's `push`, which is
 * where Node delivers each read, is replaced. Reading goes on while `onBytes` returns true, and again after `resumeRaw`.
 * What is handed over belongs to the receiver. Must be called before the first bytes can arrive, that is in the
 * listener of the server's `connection` event. The `end` event comes as usual.
 */
export function readRaw(socket: Socket, onBytes: (bytes: Buffer) => boolean): void {
  socket.push = (bytes: Buffer | null): boolean => {
    if (bytes === null) return Readable.prototype.push.call(socket, null)
    return onBytes(bytes)
  }
}

export function resumeRaw(socket: Socket): void {
  if (!socket.destroyed) socket._read(0)
}
