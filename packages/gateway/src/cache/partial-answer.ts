import { byteRange, rangeStands } from '@budao/resilience'
import type { Answer } from '../client/client.ts'
import type { StoredAnswer } from './stored-answer.ts'

/** What of a complete kept answer a `Range` asks for: a part, 416 beyond its end, or all of it (RFC 9110, 14.2). */
export function partOf(answer: StoredAnswer, range: string, ifRange: string | undefined): Answer {
  if (!rangeStands(ifRange, answer)) return answer
  const { length } = answer.body
  const part = byteRange(range, length)
  if (part === 'whole') return answer
  if (part === 'none') {
    const lines = `Content-Range: bytes */${length}\r\n`
    return { status: 416, reason: 'Range Not Satisfiable', lines, body: '' }
  }
  return {
    status: 206,
    reason: 'Partial Content',
    lines: `${answer.lines}Content-Range: bytes ${part.start}-${part.end - 1}/${length}\r\n`,
    body: answer.body.slice(part.start, part.end),
  }
}
