import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** A mail as it is read. */
export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  readonly subject: string
  readonly text: string
}

/** Together with its headers. */
const mailBytesMax = 1024 * 1024
const lineBytesMax = 4_096
const recipientsMax = 100

/** A server that takes every mail it is given, by SMTP (RFC 5321), and hands it on. */
export function mailboxServer(take: (mail: Mail) => void): Server {
  return createServer((socket) => serve(socket, take))
}

function serve(socket: Socket, take: (mail: Mail) => void): void {
  let waiting = ''
  let from = ''
  let to: string[] = []
  let data: string[] | null = null
  let bytes = 0
  const say = (...lines: string[]): void => void socket.write(lines.map((line) => `${line}\r\n`).join(''))
  const forget = (): void => {
    from = ''
    to = []
    data = null
    bytes = 0
  }
  const command = (line: string): void => {
    const [, verb = '', rest = ''] = /^(\w+) ?(.*)$/s.exec(line) ?? []
    const address = /^(?:FROM|TO):<([^<>]*)>/i.exec(rest)?.[1]
    switch (verb.toUpperCase()) {
      case 'EHLO':
        forget()
        return say('250-mailbox of the demo', '250-8BITMIME', `250 SIZE ${mailBytesMax}`)
      case 'HELO':
      case 'RSET':
        forget()
        return say('250 fine')
      case 'MAIL':
        if (address === undefined) return say('501 expected MAIL FROM:<address>')
        forget()
        from = address
        return say('250 fine')
      case 'RCPT':
        if (address === undefined || address === '') return say('501 expected RCPT TO:<address>')
        if (to.length >= recipientsMax) return say('452 too many recipients')
        to.push(address)
        return say('250 fine')
      case 'DATA':
        if (to.length === 0) return say('503 nobody to give it to: expected RCPT TO first')
        data = []
        return say('354 end it with a line that is a dot')
      case 'NOOP':
        return say('250 fine')
      case 'QUIT':
        return void socket.end('221 bye\r\n')
      default:
        return say('502 not known here')
    }
  }
  const content = (line: string, lines: string[]): void => {
    if (line !== '.') {
      bytes += line.length + 2
      if (bytes <= mailBytesMax) lines.push(line.startsWith('.') ? line.slice(1) : line)
      return
    }
    if (bytes > mailBytesMax) say(`552 expected at most ${mailBytesMax} bytes`)
    else {
      take(readMail(from, to, lines))
      say('250 taken')
    }
    forget()
  }
  // Bytes, not text: the content says itself what its bytes mean.
  socket.setEncoding('latin1')
  socket.setTimeout(60_000, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    waiting += String(chunk)
    for (let end = waiting.indexOf('\r\n'); end >= 0; end = waiting.indexOf('\r\n')) {
      const line = waiting.slice(0, end)
      waiting = waiting.slice(end + 2)
      if (data === null) command(line)
      else content(line, data)
    }
    if (waiting.length > lineBytesMax) socket.destroy()
  })
  say('220 mailbox of the demo')
}

function readMail(from: string, to: readonly string[], lines: readonly string[]): Mail {
  const gap = lines.indexOf('')
  const head = lines.slice(0, gap < 0 ? lines.length : gap)
  const headers = new Map(
    head
      .join('\n')
      .replaceAll(/\n[ \t]+/g, ' ')
      .split('\n')
      .map((line): [string, string] => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
  )
  const body = gap < 0 ? '' : lines.slice(gap + 1).join('\n')
  const encoding = (headers.get('content-transfer-encoding') ?? '').toLowerCase()
  return { from, to, subject: words(headers.get('subject') ?? ''), text: decoded(body, encoding).toString() }
}

function decoded(text: string, encoding: string): Buffer {
  if (encoding === 'base64') return Buffer.from(text, 'base64')
  if (encoding !== 'quoted-printable') return Buffer.from(text, 'latin1')
  const bytes = text
    .replaceAll(/=[ \t]*\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1')
}

/** Words of a header that are not ASCII (RFC 2047). */
function words(header: string): string {
  const joined = header.replaceAll(/\?=\s+=\?/g, '?==?')
  return joined.replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
    kind.toUpperCase() === 'B'
      ? decoded(text, 'base64').toString()
      : decoded(text.replaceAll('_', ' '), 'quoted-printable').toString(),
  )
}
