import type { AggregateConfig } from '@budao/model'
import type { OnWorkEnd, OwnWork, WorkRequest, WorkUnderWay } from '../exchange/own-work.ts'
import { wrongMethod } from '../exchange/reply.ts'
import type { FilterRequest, Reply } from '../filters/filter.ts'
import type { Service } from '../service/service.ts'
import type { DataPlane } from '../threads/data-plane.ts'
import { Gathering } from './gathering.ts'
import { Part } from './part.ts'

/** An aggregate route ready to serve. */
export class Aggregate implements OwnWork {
  readonly answeredBy = 'aggregate'
  readonly bodyBytes = null
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

  refusal({ method }: FilterRequest): Reply | null {
    return method === 'GET' || method === 'HEAD' ? null : readOnly
  }

  begin(plane: DataPlane, request: WorkRequest, onEnd: OnWorkEnd): WorkUnderWay {
    return new Gathering(plane, this, request, onEnd)
  }
}

const readOnly = wrongMethod('GET, HEAD')
