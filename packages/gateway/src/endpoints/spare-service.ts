import { canSpare, type SpareVerdict } from '@budao/resilience'
import type { Endpoint, Service } from '../service/service.ts'

/** Whether a service can do without the endpoints for which `leaves` holds. */
export function canSpareOf(
  service: Service,
  now: number,
  leaves: (endpoint: Endpoint) => boolean,
): SpareVerdict {
  return canSpare(
    service.endpoints.map((endpoint, index) => {
      const serving = endpoint.config.weight > 0 && !service.set.isDraining(index)
      const shut = (endpoint.breaker?.retryAfterMs(now) ?? 0) > 0
      return {
        serving,
        usable: serving && !shut && service.set.state(index, now) === 'usable',
        leaves: leaves(endpoint),
      }
    }),
  )
}
