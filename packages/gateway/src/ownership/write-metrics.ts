import type { GatewayReport } from '@budao/model'
import type { Exposition } from '../metrics/exposition.ts'
import type { Service } from '../service/service.ts'
import { writeWords } from './write-counts.ts'

/** What is counted of writes that need a lease, and of the leases; nothing where no service has any. */
export function writeOwnership(
  text: Exposition,
  report: GatewayReport,
  services: ReadonlyMap<string, Service>,
): void {
  const owned = [...services.values()].filter(({ ownership }) => ownership?.leased === true)
  if (owned.length === 0) return
  text.family('budao_writes_refused_total', 'counter', 'Writes refused because of who may do them, and why.')
  for (const { name, ownership } of owned) {
    for (const reason of writeWords)
      if (reason !== 'rectified') text.sample({ service: name, reason }, ownership!.counts.get(reason))
  }
  text.family(
    'budao_writes_rectified_total',
    'counter',
    'Writes passed on to the gateway that holds the lease.',
  )
  for (const { name, ownership } of owned) text.sample({ service: name }, ownership!.counts.get('rectified'))
  const units = report.services
    .flatMap(({ ownership }) => ownership?.units ?? [])
    .filter(({ leased }) => leased)
  text.family('budao_lease_epoch', 'gauge', 'The newest epoch of the unit that this gateway knows.')
  for (const { unit, epoch } of units) text.sample({ unit }, epoch)
  text.family('budao_lease_held', 'gauge', '1 while this gateway accepts writes of the unit.')
  for (const { unit, held } of units) text.sample({ unit }, held ? 1 : 0)
  text.family(
    'budao_lease_remaining_seconds',
    'gauge',
    'How long it may without another renewal; 0 where it is not held.',
  )
  for (const { unit, remainingMs } of units) text.sample({ unit }, remainingMs / 1_000)
  text.family('budao_writes_under_way', 'gauge', 'Writes of the unit under way at this site’s endpoints.')
  for (const { unit, writing } of units) text.sample({ unit }, writing)
}
