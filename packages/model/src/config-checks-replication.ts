import { isLoopback, parseAddress } from './config-address.ts'
import type { Finding, Path } from './config-document.ts'
import { checkReference } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { entries, get, isObject, items } from './config-values.ts'
import { checkReplicationDatabase } from './providers/replication-database-checks.ts'
import { checkReplicationLog } from './providers/replication-log-checks.ts'

/** Sites without a replicator, rules without what they need, a promise of no loss that the level cannot hold. */
export function* checkReplication(value: unknown): Generator<Finding> {
  const replication = get(value, 'replication')
  if (!isObject(replication)) return
  const path: Path = ['replication']
  const sites = get(value, 'sites')
  yield* checkListen(path, replication)
  const replicators = get(replication, 'sites')
  for (const [site] of entries(replicators))
    yield* checkReference([...path, 'sites', site], site, sites, 'site')
  const own = get(get(value, 'node'), 'site')
  if (isObject(replicators) && typeof own === 'string' && !Object.hasOwn(replicators, own)) {
    yield { path: [...path, 'sites'], message: 'this site is missing', expected: `${own}, as in node.site` }
  }
  yield* checkReplicationDatabase(replication)
  yield* checkReplicationLog(replication)
  for (const [name, table] of entries(get(replication, 'tables'))) {
    const at = [...path, 'tables', name]
    yield* checkTable(at, table, replicators)
    // A file for the replicator alone says nothing of services: their names are those of the gateways’ files.
    const services = get(value, 'services')
    if (entries(services).length > 0)
      yield* checkReference([...at, 'service'], get(table, 'service'), services, 'service')
    yield* checkLoss(at, table, value)
  }
}

function* checkListen(path: Path, replication: object): Generator<Finding> {
  const listen = get(replication, 'listen')
  const host = typeof listen === 'string' ? parseAddress(listen)?.host : undefined
  if (host === undefined || isLoopback(host) || get(replication, 'token') !== undefined) return
  yield {
    path: [...path, 'listen'],
    message: 'open to the network without a token',
    expected: 'a loopback address, or replication.token',
    found: describe(listen),
  }
}

/** Which key each rule needs. */
const needs: Readonly<Record<string, string>> = { owner: 'owner', crdt: 'columns', callback: 'module' }

function* checkTable(path: Path, table: unknown, sites: unknown): Generator<Finding> {
  const rule = get(table, 'rule') ?? 'owner'
  for (const [name, key] of Object.entries(needs)) {
    const given = get(table, key) !== undefined
    if (rule === name && !given) {
      yield {
        path: [...path, key],
        message: `missing with rule ${name}`,
        expected: 'it beside the rule, or another rule',
      }
    } else if (rule !== name && given) {
      yield {
        path: [...path, key],
        message: `of no use with rule ${typeof rule === 'string' ? rule : describe(rule)}`,
        expected: `rule ${name}`,
      }
    }
  }
  for (const [index, site] of items(get(get(table, 'owner'), 'sites')).entries()) {
    yield* checkReference([...path, 'owner', 'sites', index], site, sites, 'site of replication')
  }
}

function* checkLoss(path: Path, table: unknown, value: unknown): Generator<Finding> {
  const service = get(table, 'service')
  if (typeof service !== 'string') return
  const rpo = get(get(get(get(value, 'services'), service), 'objectives'), 'rpo')
  if (rpo !== 0 && rpo !== '0s' && rpo !== '0ms') return
  if (get(table, 'durability') !== 'sync') {
    yield {
      path: [...path, 'durability'],
      message: `cannot hold objectives.rpo of 0 of service ${service}`,
      expected: 'sync',
      found: describe(get(table, 'durability') ?? 'async'),
    }
  } else if (get(get(value, 'replication'), 'onPeerLoss') === 'degrade') {
    yield {
      path: ['replication', 'onPeerLoss'],
      message: `cannot hold objectives.rpo of 0 of service ${service}`,
      expected: 'block',
      found: describe('degrade'),
    }
  }
}
