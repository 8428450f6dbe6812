import type { GatewayReport } from '@budao/model'
import type { CacheCounts } from '../cache/caches.ts'
import type { EndpointDirectory } from '../endpoints/endpoint-directory.ts'
import { keyReport, type KeyReport } from '../idempotency/key-metrics.ts'
import type { KeyUrlReport } from '../keys/key-fetcher.ts'
import { storeCounts } from '../routing/routing.ts'
import { servedReport } from '../serve/serve-memory.ts'
import type { ServeKeeper } from '../serve/serve-keeper.ts'
import type { Service } from '../service/service.ts'
import type { RuntimePlan } from '../threads/runtime.ts'
import type { RuntimePlans } from '../threads/runtime-plans.ts'
import type { CallCounts } from './call-metrics.ts'
import type { CallName } from './call-rows.ts'
import { faultCounts } from './fault-counts.ts'
import type { ListenerMetricsReader } from './listener-metrics.ts'
import type { MetricsReader } from './metrics.ts'
import { prometheusText } from './prometheus.ts'

/** Where the numbers of a gateway lie. */
interface MetricsSource {
  readonly report: GatewayReport
  readonly reader: MetricsReader
  readonly plans: RuntimePlans
  readonly listeners: ListenerMetricsReader
  /** Null before the first snapshot. */
  readonly inForce: RuntimePlan | null
  readonly memory: Int32Array
  readonly keys: readonly KeyUrlReport[]
  readonly directory: EndpointDirectory
  readonly services: ReadonlyMap<string, Service>
  readonly caches: Readonly<Record<string, CacheCounts>>
  readonly calls: readonly (CallName & CallCounts)[]
  readonly served: ReturnType<ServeKeeper['report']>
  readonly keyed: KeyReport['file']
}

/** Everything a gateway counts, in Prometheus text format 0.0.4. */
export function gatewayMetrics(source: MetricsSource): string {
  const { plans, listeners, inForce, memory, directory } = source
  return prometheusText(
    source.report,
    source.reader,
    plans.routeRows,
    (name, field) => listeners.get(plans.listenerRows[name]!, field),
    inForce === null ? {} : storeCounts(inForce, memory),
    source.keys,
    { resolutions: directory.resolutions(), expirations: directory.expirations },
    source.services,
    source.caches,
    source.calls,
    inForce === null ? [] : faultCounts(inForce, memory),
    { ...source.served, ...servedReport(inForce, memory) },
    inForce === null ? null : keyReport(inForce, memory, source.keyed),
  )
}
