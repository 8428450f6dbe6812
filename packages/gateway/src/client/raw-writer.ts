import { Socket } from 'node:net'

/** As many bytes as Node's own streams let wait for the peer before they ask for a pause. */
const WAITING_MAX = 65_536
/** Room for one read of the other side with a head before it. */
const SCRATCH_BYTES = 98_304

/** What the system could not take at once, on its way. */
interface PendingWrite {
  handle: unknown
  oncomplete: (status: number) => void
  /** Must stay untouched, and referenced, until it has left. */
  buffer: Uint8Array | null
  writeStatus?: number | null
}

/** The part of a TCP handle that is used here. A number says how the whole write ended; 0 is well. */
interface StreamHandle {
  writeLatin1String(request: null, text: string): number | PendingWrite
  writeBuffer(request: null, bytes: Uint8Array): number | PendingWrite
}

/**
 * Writes to a connected socket. Where it can, past the queue of streams: nearly always the system takes a write as a
 * whole and at once, and then everything a stream prepares for the other case is in vain (measured: 10 % of a proxied
 * request). What the system does not take is queued by the handle, in order, and `end` and `destroy` of the socket
 * do right by it, since they are orders to the same handle.
 *
 * Behind TLS, and with a Node whose handles want to be called otherwise, the socket's own `write` does it.
 */
export class RawWriter {
  readonly #socket: Socket & { readonly _handle?: StreamHandle | null }
  readonly #onDrain: () => void
  readonly #raw: boolean
  /** Bytes that the handle has queued. */
  #waiting = 0
  #needsDrain = false

  /** `onDrain` is called once everything has left after a write returned false. */
  constructor(socket: Socket, onDrain: () => void) {
    this.#socket = socket as Socket & { readonly _handle?: StreamHandle | null }
    this.#onDrain = onDrain
    this.#raw = handlesQueue && !('encrypted' in socket)
    socket.on('drain', onDrain)
  }

  /** A write returned false, and not everything has left since. */
  get needsDrain(): boolean {
    return this.#needsDrain || this.#socket.writableNeedDrain
  }

  /** False when the caller should wait for `onDrain`. */
  text(text: string): boolean {
    const handle = this.#handle()
    if (handle === null) return this.#socket.write(text, 'latin1')
    const result = handle.writeLatin1String(null, text)
    return result === 0 ? !this.#needsDrain : this.#onResult(result, text.length, null)
  }

  /** As `text`. The bytes must not change until they have left, or for ever. */
  bytes(bytes: Uint8Array): boolean {
    const handle = this.#handle()
    if (handle === null) return this.#socket.write(bytes)
    const result = handle.writeBuffer(null, bytes)
    return result === 0 ? !this.#needsDrain : this.#onResult(result, bytes.length, bytes)
  }

  /** As `text`: `head` and a copy of `bytes` from `start` to `end`, in one system call. */
  copy(head: string, bytes: Uint8Array, start: number, end: number): boolean {
    const length = head.length + end - start
    const out = length <= SCRATCH_BYTES ? scratch : Buffer.allocUnsafeSlow(length)
    if (head !== '') out.write(head, 0, 'latin1')
    out.set(bytes.subarray(start, end), head.length)
    const handle = this.#handle()
    const written = out.subarray(0, length)
    const result = handle === null ? null : handle.writeBuffer(null, written)
    if (result === 0) return !this.#needsDrain
    // Somebody reads from it later: it is theirs now.
    if (out === scratch) scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
    return result === null ? this.#socket.write(written) : this.#onResult(result, length, written)
  }

  #handle(): StreamHandle | null {
    return this.#raw ? (this.#socket._handle ?? null) : null
  }

  #onResult(result: number | PendingWrite, length: number, bytes: Uint8Array | null): boolean {
    if (typeof result === 'number') {
      // The socket's `error` event tells the owner, as it would after a write of its own.
      this.#socket.destroy(new Error(`write failed with ${result}`))
      return true
    }
    this.#waiting += length
    if (this.#waiting >= WAITING_MAX) this.#needsDrain = true
    result.handle = this.#socket._handle
    result.buffer = bytes
    result.oncomplete = (status) => this.#onComplete(status, length)
    const { writeStatus } = result
    if (typeof writeStatus === 'number') {
      result.writeStatus = null
      this.#onComplete(writeStatus, length)
    }
    return !this.#needsDrain
  }

  #onComplete(status: number, length: number): void {
    this.#waiting -= length
    if (this.#socket.destroyed) return
    if (status < 0) return void this.#socket.destroy(new Error(`write failed with ${status}`))
    if (this.#waiting > 0 || !this.#needsDrain) return
    this.#needsDrain = false
    this.#onDrain()
  }
}

/** One for all connections of the thread, as long as the system takes what is in it at once. */
let scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

/**
 * Whether handles make the request of a write that is queued by themselves, as Node's own sockets then call them: with
 * null. Others must not be called so, and no version number says which these are.
 */
const handlesQueue: boolean = ((): boolean => {
  let request: unknown
  const handle = {
    readStart: () => 0,
    readStop: () => 0,
    close: () => {},
    writeLatin1String(given: unknown): number {
      request = given
      return 0
    },
  }
  try {
    const probe = new Socket({ handle } as object)
    probe.on('error', () => {})
    probe.write('x', 'latin1')
  } catch {
    return false
  }
  return request === null
})()
