import type { FallbackConfig } from '@budao/model'
import { chooseFallback, type FallbackChoice } from '@budao/resilience'
import type { Reply } from './filters/filter.ts'
import type { Service } from './service.ts'
import { StaleAnswers, type StaleAnswer, type StaleRequest } from './stale-answers.ts'

/** What answers on a route when its endpoints do not. */
export class RouteFallback {
  /** Null when the configuration wants none kept. */
  readonly stale: StaleAnswers | null
  readonly service: Service | null
  readonly reply: Reply | null
  readonly #config: FallbackConfig

  constructor(config: FallbackConfig, services: ReadonlyMap<string, Service>) {
    this.#config = config
    this.stale =
      config.stale === undefined
        ? null
        : new StaleAnswers({ ageMs: config.stale, bytesMax: config.staleBytes })
    this.service = config.service === undefined ? null : services.get(config.service)!
    this.reply = config.json === undefined ? null : jsonReply(config)
  }

  /** `serviceLeft`: the other service has not been asked yet and the request can still be sent. */
  choose(request: StaleRequest, now: number, serviceLeft: boolean): FallbackChoice {
    const stale = this.staleAnswer(request, now)
    return chooseFallback(
      {
        stale: this.#config.stale,
        service: this.#config.service,
        // What was not done must not look done: a write gets another service's answer, or the error.
        json: isRead(request) ? this.#config.json : undefined,
      },
      { staleAgeMs: stale === undefined ? null : now - stale.storedAt, service: serviceLeft },
    )
  }

  staleAnswer(request: StaleRequest, now: number): StaleAnswer | undefined {
    return isRead(request) ? this.stale?.get(request, now) : undefined
  }
}

function isRead({ method }: StaleRequest): boolean {
  return method === 'GET' || method === 'HEAD'
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
