/** What a robot says to who sends. */
export interface RobotAnswer {
  readonly errcode: number
  readonly errmsg: string
}

const contentBytesMax = 4_096
const perMinuteMax = 20
const minuteMs = 60_000

/**
 * A group robot with the manners of WeCom’s: it takes `msgtype: markdown` of at most 4096 bytes, twenty a minute, and says in the body of
 * a 200 what it did not take.
 */
export class Robot {
  readonly #key: string
  readonly #take: (text: string) => void
  #takenAt: number[] = []

  constructor(key: string, take: (text: string) => void) {
    this.#key = key
    this.#take = take
  }

  /** `now` in milliseconds. */
  answer(key: string | null, body: string, now: number): RobotAnswer {
    if (key !== this.#key) return { errcode: 93_000, errmsg: 'invalid webhook url' }
    const content = contentOf(body)
    if (content === undefined) return { errcode: 40_008, errmsg: 'invalid message type' }
    if (Buffer.byteLength(content) > contentBytesMax)
      return { errcode: 40_058, errmsg: `markdown.content exceed max length ${contentBytesMax}` }
    this.#takenAt = this.#takenAt.filter((at) => now - at < minuteMs)
    if (this.#takenAt.length >= perMinuteMax) return { errcode: 45_009, errmsg: 'api freq out of limit' }
    this.#takenAt.push(now)
    this.#take(content)
    return { errcode: 0, errmsg: 'ok' }
  }
}

function contentOf(body: string): string | undefined {
  try {
    const { msgtype, markdown } = JSON.parse(body) as { msgtype?: unknown; markdown?: { content?: unknown } }
    const content = markdown?.content
    return msgtype === 'markdown' && typeof content === 'string' && content !== '' ? content : undefined
  } catch {
    return undefined
  }
}
