import type { Finding } from '../config-document.ts'
import { checkBrokerAccess } from './broker-access-checks.ts'
import { entries, get, isObject } from '../config-values.ts'

/** Sites whose log has no brokers, and how these are spoken to. */
export function* checkReplicationLog(replication: object): Generator<Finding> {
  const kafka = get(get(replication, 'log'), 'kafka')
  yield* checkBrokerAccess(['replication', 'log', 'kafka'], kafka)
  const brokers = get(kafka, 'brokers')
  if (!isObject(brokers)) return
  for (const [site] of entries(get(replication, 'sites'))) {
    if (Object.hasOwn(brokers, site)) continue
    const path = ['replication', 'log', 'kafka', 'brokers']
    yield { path, message: 'a site has none', expected: `brokers of ${site}` }
  }
}
