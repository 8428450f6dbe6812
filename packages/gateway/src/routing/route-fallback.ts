import type { FallbackConfig } from '@budao/model'
import { chooseFallback, type FallbackChoice } from '@budao/resilience'
import type { Reply } from '../filters/filter.ts'
import type { Service } from '../service/service.ts'

/** What answers on a route when its endpoints do not, and nothing kept can stand in. */
export class RouteFallback {
  readonly service: Service | null
  readonly reply: Reply | null
  readonly #config: FallbackConfig

  constructor(config: FallbackConfig, services: ReadonlyMap<string, Service>) {
    this.#config = config
    this.service = config.service === undefined ? null : services.get(config.service)!
    this.reply = config.json === undefined ? null : jsonReply(config)
  }

  /** `serviceLeft`: the other service has not been asked yet and the request can still be sent. */
  choose(method: string, serviceLeft: boolean): FallbackChoice {
    return chooseFallback(
      {
        service: this.#config.service,
        // What was not done must not look done: a write gets another service's answer, or the error.
        json: method === 'GET' || method === 'HEAD' ? this.#config.json : undefined,
      },
      { kept: false, service: serviceLeft },
    )
  }
}

function jsonReply({ status, json }: FallbackConfig): Reply {
  return {
    status,
    headers: [
      ['Content-Type', 'application/json'],
      ['Cache-Control', 'no-store'],
      ['X-Budao-Fallback', 'json'],
    ],
    body: JSON.stringify(json),
  }
}
