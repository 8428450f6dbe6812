import type { AggregateConfig } from '@budao/model'
import type { Service } from '../service/service.ts'
import { Part } from './part.ts'

/** An aggregate route ready to serve. */
export class Aggregate {
  readonly config: AggregateConfig
  readonly parts: readonly Part[]
  readonly passHeaders: ReadonlySet<string>

  /** `rowOf` gives a part its place in the counters of calls. */
  constructor(
    config: AggregateConfig,
    services: ReadonlyMap<string, Service>,
    rowOf: (part: string) => number,
  ) {
    this.config = config
    this.passHeaders = new Set(config.passHeaders)
    this.parts = Object.entries(config.parts).map(
      ([name, part]) =>
        new Part(
          name,
          part,
          part.required ?? config.onFailure === 'fail',
          services.get(part.service)!,
          rowOf(name),
        ),
    )
  }
}
