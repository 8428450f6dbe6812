import type { Delivery } from '../channel.ts'
import { byStatus, type PostAnswer } from '../http-post.ts'

/** How one kind of robot says in its body what it thinks. */
export interface RobotCodes {
  /** The key of the code; 0 is well. */
  readonly key: 'errcode' | 'code'
  /** Too much; with how long to stay away, milliseconds. */
  readonly limited: Readonly<Record<number, number>>
  /** It is ill itself: to be asked again. */
  readonly busy: readonly number[]
}

/**
 * Robots answer 200 to everything and say in the body what became of it: only `errcode` 0 is delivered. A code that is not known
 * is a refusal: wrong keys and signatures do not become right.
 */
export function robotAnswer(answer: PostAnswer, { key, limited, busy }: RobotCodes): Delivery {
  const byCode = byStatus(answer)
  if (byCode.kind !== 'delivered') return byCode
  let body: Readonly<Record<string, unknown>>
  try {
    body = JSON.parse(answer.text) as Record<string, unknown>
  } catch {
    return { kind: 'retry', why: `its answer is not JSON: ${answer.text.slice(0, 100)}` }
  }
  const code = Number(body[key] ?? body['StatusCode'] ?? NaN)
  if (code === 0) return { kind: 'delivered' }
  const told = body['errmsg'] ?? body['msg']
  const said = typeof told === 'string' ? told.slice(0, 200) : ''
  const why = `${key} ${code}${said === '' ? '' : `: ${said}`}`
  const afterMs = limited[code]
  if (afterMs !== undefined) return { kind: 'retry', why, afterMs }
  return { kind: busy.includes(code) ? 'retry' : 'refused', why }
}
