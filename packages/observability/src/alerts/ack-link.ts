import { createHmac, timingSafeEqual } from 'node:crypto'

/** A link in an old message acknowledges nothing: the alert it is about is another one by then. */
const goodForMs = 7 * 86_400_000

/** Makes and reads links that acknowledge one group of alerts, by whoever has the message. */
export class AckLinks {
  readonly #secret: string
  readonly #origin: string

  constructor(secret: string, origin: string) {
    this.#secret = secret
    this.#origin = origin
  }

  /** `now` is the wall clock. */
  make(groupKey: string, receiver: string, now: number): string {
    const facts = Buffer.from(JSON.stringify([groupKey, receiver, now + goodForMs])).toString('base64url')
    return `${this.#origin}/api/v1/alerts/links/${facts}.${this.#sign(facts)}`
  }

  /** What a link is about; null where it is made up or too old. */
  read(token: string, now: number): { readonly groupKey: string; readonly receiver: string } | null {
    const [facts = '', mac = ''] = token.split('.')
    const wanted = Buffer.from(this.#sign(facts))
    const given = Buffer.from(mac)
    if (wanted.length !== given.length || !timingSafeEqual(wanted, given)) return null
    const [groupKey, receiver, until] = JSON.parse(Buffer.from(facts, 'base64url').toString()) as [
      string,
      string,
      number,
    ]
    return now > until ? null : { groupKey, receiver }
  }

  #sign(facts: string): string {
    return createHmac('sha256', this.#secret).update(`ack ${facts}`).digest('base64url')
  }
}
