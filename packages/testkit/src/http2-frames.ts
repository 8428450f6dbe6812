import type { TestContext } from 'node:test'
import { rawConnect, type RawClient } from './raw-http.ts'

/** Types of frames, RFC 9113 §6. */
export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** Flags that frames may carry. `ack` is of SETTINGS and PING. */
export const FrameFlag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4 } as const

/** One frame as it came. */
export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  /** Bytes as latin1. */
  readonly payload: string
}

type Fields = readonly (readonly [name: string, value: string])[]

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** A frame's bytes as latin1. The length may be said wrongly with `length`. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: string = '',
  length: number = payload.length,
): string {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return head.toString('latin1') + payload
}

/** A 32-bit number as a payload has it. */
export function word(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes.toString('latin1')
}

/** A block of header fields, each as a literal that is never indexed (RFC 7541 §6.2.3): any bytes whatever. */
export function fieldBlock(fields: Fields): string {
  return fields.map(([name, value]) => `\x10${literal(name)}${literal(value)}`).join('')
}

/** The fields of a request, pseudo-fields first. */
export function requestFields(target: string, more: Fields = []): Fields {
  const [method, path] = target.startsWith('/') ? ['GET', target] : target.split(' ')
  return [
    [':method', method!],
    [':scheme', 'http'],
    [':authority', 'shop.example'],
    [':path', path!],
    ...more,
  ]
}

/**
 * A client that sends exactly the frames it is told to, and reads those that come, for what a well-mannered client of
 * HTTP/2 does not do. Sends no acknowledgement and no window update by itself.
 */
export class RawHttp2Client {
  readonly raw: RawClient

  constructor(raw: RawClient) {
    this.raw = raw
  }

  send(...frames: string[]): void {
    this.raw.send(frames.join(''))
  }

  /** A request's head; the last frame of it with `endStream` unless a body follows. */
  request(stream: number, fields: Fields, endStream: boolean = true): void {
    const flags = FrameFlag.endHeaders | (endStream ? FrameFlag.endStream : 0)
    this.send(frame(FrameType.headers, flags, stream, fieldBlock(fields)))
  }

  /** The next frame, whatever it is. Rejects when the connection ends before. */
  async read(timeoutMs?: number): Promise<Frame> {
    const head = Buffer.from(await this.raw.readBytes(9, timeoutMs), 'latin1')
    const payload = await this.raw.readBytes(head.readUIntBE(0, 3), timeoutMs)
    return { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5) & 0x7f_ff_ff_ff, payload }
  }

  /** The next frame of that type, and of that stream where one is named. Others are passed over. */
  async next(type: number, stream?: number, timeoutMs?: number): Promise<Frame> {
    for (;;) {
      const found = await this.read(timeoutMs)
      if (found.type === type && (stream === undefined || found.stream === stream)) return found
    }
  }

  /** Error code of the next RST_STREAM of that stream. */
  async resetCode(stream: number): Promise<number> {
    return errorCode(await this.next(FrameType.resetStream, stream), 0)
  }

  /** Error code of the next GOAWAY. */
  async goAwayCode(): Promise<number> {
    return errorCode(await this.next(FrameType.goAway), 4)
  }
}

/** Opens a connection to 127.0.0.1 that has sent the preface and these SETTINGS (identifier and value in turn). */
export async function rawHttp2(
  t: TestContext,
  port: number,
  settings: readonly (readonly [id: number, value: number])[] = [],
): Promise<RawHttp2Client> {
  const client = new RawHttp2Client(await rawConnect(t, port))
  const payload = settings.map(([id, value]) => `${word(id).slice(2)}${word(value)}`).join('')
  client.send(PREFACE, frame(FrameType.settings, 0, 0, payload))
  return client
}

function errorCode({ payload }: Frame, at: number): number {
  return Buffer.from(payload, 'latin1').readUInt32BE(at)
}

/** Length with a prefix of seven bits (RFC 7541 §5.1), then the bytes, not compressed. */
function literal(text: string): string {
  return `${integer7(text.length)}${text}`
}

function integer7(value: number): string {
  if (value < 127) return String.fromCharCode(value)
  let bytes = '\x7f'
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes += String.fromCharCode((rest % 128) | 0x80)
  return bytes + String.fromCharCode(rest)
}
