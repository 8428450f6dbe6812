import { Readable } from 'node:stream'
import type { Socket } from 'node:net'

/** Takes what was read: the first `length` bytes of `buffer`, good only during the call. False to be given no more for now. */
export type TakeBytes = (buffer: Buffer, length: number) => boolean

interface ReadInto {
  useUserBuffer?(buffer: Uint8Array): void
}

type Internals = Socket & { readonly _handle?: ReadInto | null } & Record<symbol, unknown>

/**
 * Hands over what arrives on an accepted socket without the buffering of streams. Reading goes on while `take` returns
 * true, and again after `resumeRaw`. Must be called before the first bytes can arrive, that is in the listener of the
 * server's `connection` event. The `end` event comes as usual.
 *
 * The system reads into `buffer`, which all connections of a thread share, as `net.connect` does for `onread`. Servers
 * have no such option, so its fields are set here (measured: Node's own way, 64 KiB allocated and cut to size for every
 * read, cost 5 % of a proxied request). A Node that has no such fields delivers through `push`, which is replaced.
 */
export function readRaw(socket: Socket, buffer: Buffer, take: TakeBytes): void {
  if (!readsInto(socket as Internals, buffer, take)) {
    socket.push = (bytes: Buffer | null): boolean =>
      bytes === null ? Readable.prototype.push.call(socket, null) : take(bytes, bytes.length)
  }
}

/** Gives the socket back to whoever reads it next, with bytes that were taken from it and not used. */
export function endRaw(socket: Socket, unused: Buffer): void {
  Reflect.deleteProperty(socket, 'push')
  if (fields?.buffer !== undefined) (socket as Internals)[fields.buffer] = null
  socket.unshift(unused)
}

export function resumeRaw(socket: Socket): void {
  if (!socket.destroyed) socket._read(0)
}

function readsInto(socket: Internals, buffer: Buffer, take: TakeBytes): boolean {
  const handle = socket._handle
  if (handle === undefined || handle === null || typeof handle.useUserBuffer !== 'function') return false
  fields ??= fieldsOf(socket)
  if (fields.buffer === undefined || fields.callback === undefined) return false
  socket[fields.buffer] = buffer
  socket[fields.callback] = (length: number): boolean => take(buffer, length)
  handle.useUserBuffer(buffer)
  return true
}

/** The same for all sockets of a process. */
let fields: { readonly buffer: symbol | undefined; readonly callback: symbol | undefined } | undefined

function fieldsOf(socket: Socket): NonNullable<typeof fields> {
  const symbols = Object.getOwnPropertySymbols(socket)
  const named = (name: string): symbol | undefined => symbols.find(({ description }) => description === name)
  return { buffer: named('kBuffer'), callback: named('kBufferCb') }
}
