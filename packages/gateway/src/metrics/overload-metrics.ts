import { priorityNames } from '@budao/model'
import type { Exposition } from './exposition.ts'
import type { MetricsReader } from './metrics.ts'
import type { Service } from '../service/service.ts'
import { shedReasons } from '../service/shed-counts.ts'

/** Limits, queues, who was turned away, and attempts beside others. */
export function writeOverload(text: Exposition, services: readonly Service[], reader: MetricsReader): void {
  text.family('budao_gateway_service_limit', 'gauge', 'Most requests in flight at this moment.')
  for (const { name, limit } of services) text.sample({ service: name }, limit)
  text.family('budao_gateway_service_waiting', 'gauge', 'Requests that wait for a place.')
  for (const { name, waiting } of services) text.sample({ service: name }, waiting)
  text.family(
    'budao_gateway_service_base_latency_seconds',
    'gauge',
    'Latency without a queue, as the adaptive limit has learnt it.',
  )
  for (const { name, admission } of services) {
    const adaptive = admission?.adaptive ?? null
    if (adaptive !== null) text.sample({ service: name }, adaptive.baseMs / 1_000)
  }
  text.family(
    'budao_gateway_shed_requests_total',
    'counter',
    'Requests turned away, by service, class and error code.',
  )
  for (const { name, shed } of services) {
    for (const reason of shedReasons) {
      for (const [rank, priority] of priorityNames.entries())
        text.sample({ service: name, priority, reason }, shed.of(rank, reason))
    }
  }
  for (const [rank, priority] of priorityNames.entries())
    text.sample({ service: '', priority, reason: 'gateway_overloaded' }, reader.shed(rank))
  text.family('budao_gateway_hedges_total', 'counter', 'Attempts begun beside another one.')
  for (const { name, hedges } of services) text.sample({ service: name }, hedges.begunTotal)
  text.family('budao_gateway_hedges_won_total', 'counter', 'Of those, the ones that answered first.')
  for (const { name, hedges } of services) text.sample({ service: name }, hedges.wonTotal)
}
