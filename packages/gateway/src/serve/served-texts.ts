import type { ChannelsConfig } from '@budao/model'

/** What the main thread has made for routes of all threads, by name. Plain JSON. */
export type ServedTextsByName = Readonly<Record<string, string>>

/** The same in one thread. */
export class ServedTexts {
  #texts: ServedTextsByName = {}

  set(texts: ServedTextsByName): void {
    this.#texts = texts
  }

  get(name: string): string | undefined {
    return this.#texts[name]
  }
}

/** The signed list of a route. Another configuration of the same route has another: the old one is asked for until the new is in force. */
export function channelsText(route: string, config: ChannelsConfig): string {
  return `channels ${route} ${JSON.stringify(config)}`
}

/** A provider's access token, as `AccessToken` in JSON. */
export function accessTokenText(provider: string): string {
  return `access-token ${provider}`
}
