import type { Socket } from 'node:net'

/**
 * Drops a connection with RST. One that has already sent its FIN is closed instead: resetting it fails inside Node,
 * and its handle would keep the process alive for ever (seen on Node 26.10).
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
