import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose'
import { parseKeySet } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import type { KeyTexts, RemoteTexts } from './remote-texts.ts'

/** The keys of one URL as a thread has them: fetched by the main thread, and told to all. */
export class RemoteKeys implements KeySource {
  readonly #texts: RemoteTexts
  readonly #url: string
  #text: KeyTexts[string] = undefined
  #find: JWTVerifyGetKey | null = null
  #generation = 0

  constructor(texts: RemoteTexts, url: string) {
    this.#texts = texts
    this.#url = url
  }

  get generation(): number {
    this.#look()
    return this.#generation
  }

  get find(): JWTVerifyGetKey | null {
    this.#look()
    return this.#find
  }

  async refresh(): Promise<boolean> {
    const before = this.generation
    await this.#texts.ask(this.#url)
    return this.generation !== before
  }

  close(): void {}

  #look(): void {
    const text = this.#texts.get(this.#url)
    if (text === this.#text || text === undefined) return
    this.#text = text
    // The main thread has read it before it told of it.
    this.#find = createLocalJWKSet(parseKeySet(text, this.#url).set)
    this.#generation++
  }
}
