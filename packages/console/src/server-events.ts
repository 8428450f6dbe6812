/** One event of a stream. */
export interface ServerEvent {
  /** `message` where the server names none. */
  readonly kind: string
  readonly data: string
}

/** A server that sends so much without the end of an event sends none. */
const eventCharsMax = 8 * 1024 * 1024

/** Takes server-sent events apart, however they were cut on their way. */
export class ServerEventReader {
  #rest = ''

  /** Events that end within `text`. Throws where one has no end. */
  take(text: string): ServerEvent[] {
    const parts = (this.#rest + text).split('\n\n')
    this.#rest = parts.pop()!
    if (this.#rest.length > eventCharsMax) throw new Error('an event without an end')
    return parts.flatMap((part) => {
      let kind = 'message'
      const data: string[] = []
      for (const line of part.split('\n')) {
        if (line.startsWith('data: ')) data.push(line.slice(6))
        else if (line.startsWith('event: ')) kind = line.slice(7)
      }
      // A heartbeat, or how long to wait before asking again.
      return data.length === 0 ? [] : [{ kind, data: data.join('\n') }]
    })
  }
}
