import type { DrillsReport } from '@budao/model'
import type { AdminClient } from './admin-client.ts'
import { AskedNowAndThen } from './asked-now-and-then.ts'

/** Between two questions while nothing runs: the list changes rarely. */
const everyMs = 5_000

/** Asks for drills where the process knows of any, often while one runs. */
export function drillQuestion(client: Pick<AdminClient, 'get'>): AskedNowAndThen<DrillsReport> {
  const runs = ({ current, open }: DrillsReport): boolean =>
    current?.outcome === null || open?.running === true
  return new AskedNowAndThen(
    () => client.get<DrillsReport>('/api/v1/drills'),
    (drills) => (runs(drills) ? 0 : everyMs),
  )
}
