/**
 * Keys that a shared limit has just refused, each until it could be admitted again: until then nobody else can have been
 * given what is missing, so nobody needs to be asked. At most `keysMax`, the oldest refusal goes first.
 */
export class RefusedKeys {
  readonly #keysMax: number
  readonly #until: Map<string, number> = new Map()

  constructor(keysMax: number) {
    this.#keysMax = keysMax
  }

  /** Milliseconds left of a refusal; 0 when there is none. */
  waitMs(key: string, now: number): number {
    const until = this.#until.get(key)
    if (until === undefined) return 0
    if (until > now) return until - now
    this.#until.delete(key)
    return 0
  }

  refuse(key: string, until: number): void {
    this.#until.delete(key)
    this.#until.set(key, until)
    if (this.#until.size > this.#keysMax) this.#until.delete(this.#until.keys().next().value!)
  }
}
