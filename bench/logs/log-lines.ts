import { closeSync, openSync, writeSync } from 'node:fs'

/** How lines look. `json`: ECS names, 215 bytes. `text`: time, level and sentence, 60 bytes. */
export type LineKind = 'json' | 'text'

const services = ['shop', 'pay', 'cart', 'user']
const levels = ['info', 'info', 'info', 'info', 'debug', 'warn', 'error']
const pieceLetters = 1_048_576
const startAt = Date.parse('2026-11-27T00:00:00Z')

/** The message of one line: no two are equal. */
export function messageOf(index: number): string {
  return `order ${index} of cart ${(index * 7919) % 100_003} 支付 took ${index % 997} ms`
}

/** One line, without its end. */
export function lineOf(kind: LineKind, index: number): string {
  const time = new Date(startAt + index).toISOString()
  const level = levels[index % levels.length]!
  if (kind === 'text') return `${time} ${level.toUpperCase()} ${messageOf(index)}`
  const trace = ((index * 2_654_435_761) % 2 ** 32).toString(16).padStart(32, '0')
  return `{"@timestamp":"${time}","log.level":"${level}","message":"${messageOf(index)}","service":"${services[index % 4]}","http.response.status_code":${index % 50 === 0 ? 500 : 200},"trace.id":"${trace}"}`
}

/** Writes lines into a file; says how many bytes they are. */
export function writeLines(path: string, kind: LineKind, from: number, count: number): number {
  const file = openSync(path, 'a')
  let bytes = 0
  let text = ''
  const flush = (): void => {
    bytes += writeSync(file, text)
    text = ''
  }
  for (let index = from; index < from + count; index++) {
    text += `${lineOf(kind, index)}\n`
    if (text.length >= pieceLetters) flush()
  }
  flush()
  closeSync(file)
  return bytes
}
