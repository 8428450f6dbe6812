import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { keysOf, type Part, textAt } from './manifest-part.ts'

/** What a `trafficPolicy` says, as settings of a service. */
export function readTrafficPolicy(policy: Part, notes: Notes): Written {
  const lost = (part: Part, key: string, reason: string): void =>
    notes.add('lost', part.place(key), key, reason)
  for (const key of keysOf(policy))
    if (!knownInPolicy.has(key)) lost(policy, key, reasons[key] ?? 'has no counterpart')
  return {
    ...readBalance(policy.at('loadBalancer'), lost),
    ...readPool(policy.at('connectionPool'), lost),
    ...readOutlier(policy.at('outlierDetection'), notes, lost),
    ...readTls(policy.at('tls'), lost),
  }
}

type Lost = (part: Part, key: string, reason: string) => void

function readBalance(balancer: Part, lost: Lost): Written {
  for (const key of keysOf(balancer))
    if (key !== 'simple' && key !== 'consistentHash')
      lost(balancer, key, reasons[key] ?? 'has no counterpart')
  const simple = textAt(balancer, 'simple')
  if (simple !== undefined) {
    const balance = balances[simple]
    if (balance !== undefined) return { balance }
    lost(balancer, 'simple', `${simple}: expected one of ${Object.keys(balances).join(', ')}`)
  }
  const hash = balancer.at('consistentHash')
  if (hash.value === undefined) return {}
  const header = textAt(hash, 'httpHeaderName')
  const query = textAt(hash, 'httpQueryParameterName')
  const cookie = textAt(hash, 'httpCookie', 'name')
  const ttl = textAt(hash, 'httpCookie', 'ttl')
  if (hash.at('minimumRingSize').value !== undefined)
    lost(hash, 'minimumRingSize', 'the ring has the size it needs')
  const balance = hash.at('maglev').value === undefined ? 'ring-hash' : 'maglev'
  if (header !== undefined) return { balance, hashOn: { header } }
  if (query !== undefined) return { balance, hashOn: { query } }
  if (cookie !== undefined)
    return { balance, hashOn: { cookie }, ...(ttl === undefined ? {} : { cookieTtl: ttl }) }
  return { balance, hashOn: { ip: true } }
}

function readPool(pool: Part, lost: Lost): Written {
  const [tcp, http] = [pool.at('tcp'), pool.at('http')]
  for (const key of keysOf(tcp))
    if (key !== 'maxConnections' && key !== 'connectTimeout') lost(tcp, key, 'has no counterpart')
  for (const key of keysOf(http))
    if (!knownInHttpPool.has(key)) lost(http, key, reasons[key] ?? 'has no counterpart')
  const connections = textAt(tcp, 'maxConnections')
  const pending = textAt(http, 'http1MaxPendingRequests')
  const concurrency = textAt(http, 'http2MaxRequests')
  const limits = {
    ...(connections === undefined ? {} : { connections: Number(connections) }),
    ...(pending === undefined ? {} : { pending: Number(pending) }),
    ...(concurrency === undefined ? {} : { concurrency: Number(concurrency) }),
  }
  const connect = textAt(tcp, 'connectTimeout')
  const idle = textAt(http, 'idleTimeout')
  const timeouts = { ...(connect === undefined ? {} : { connect }), ...(idle === undefined ? {} : { idle }) }
  return {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(timeouts).length === 0 ? {} : { timeouts }),
  }
}

function readOutlier(detection: Part, notes: Notes, lost: Lost): Written {
  if (detection.value === undefined) return {}
  for (const key of keysOf(detection)) {
    if (key === 'interval')
      notes.add(
        'default',
        detection.place(key),
        key,
        'an endpoint is ejected with the failure that is one too many',
      )
    else if (!knownInDetection.has(key)) lost(detection, key, reasons[key] ?? 'has no counterpart')
  }
  const gateway = textAt(detection, 'consecutiveGatewayErrors')
  const fails =
    textAt(detection, 'consecutive5xxErrors') ?? textAt(detection, 'consecutiveErrors') ?? gateway ?? '5'
  if (gateway !== undefined && gateway !== fails && gateway !== '0')
    lost(detection, 'consecutiveGatewayErrors', 'failures are counted together: see maxFails')
  const panicPercent = textAt(detection, 'minHealthPercent')
  return {
    outlier:
      fails === '0'
        ? false
        : { maxFails: Number(fails), failTimeout: textAt(detection, 'baseEjectionTime') ?? '30s' },
    ...(panicPercent === undefined ? {} : { priority: { panicPercent: Number(panicPercent) } }),
  }
}

function readTls(tls: Part, lost: Lost): Written {
  const mode = textAt(tls, 'mode')
  if (mode === undefined || mode === 'DISABLE') return {}
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') {
    lost(tls, 'mode', `${mode}: there is no mesh that gives certificates: say cert and key of tls`)
    return {}
  }
  for (const key of keysOf(tls)) if (!knownInTls.has(key)) lost(tls, key, 'has no counterpart')
  const sans = tls.at('subjectAltNames').value
  const said = {
    ca: textAt(tls, 'caCertificates'),
    serverName: textAt(tls, 'sni'),
    cert: textAt(tls, 'clientCertificate'),
    key: textAt(tls, 'privateKey'),
    ...(Array.isArray(sans) ? { sans } : {}),
    ...(tls.at('insecureSkipVerify').value === true ? { verify: false } : {}),
  }
  return { tls: Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)) }
}

const balances: Readonly<Record<string, string>> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-request',
  LEAST_CONN: 'least-connections',
  RANDOM: 'random',
  UNSPECIFIED: 'least-request',
}

const knownInPolicy: ReadonlySet<string> = new Set([
  ...['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'],
])

const knownInHttpPool: ReadonlySet<string> = new Set([
  ...['http1MaxPendingRequests', 'http2MaxRequests', 'idleTimeout'],
])

const knownInDetection: ReadonlySet<string> = new Set([
  ...['consecutive5xxErrors', 'consecutiveErrors', 'consecutiveGatewayErrors'],
  ...['baseEjectionTime', 'minHealthPercent'],
])

const knownInTls: ReadonlySet<string> = new Set([
  ...['mode', 'caCertificates', 'sni', 'clientCertificate', 'privateKey'],
  ...['subjectAltNames', 'insecureSkipVerify'],
])

const reasons: Readonly<Record<string, string>> = {
  portLevelSettings: 'settings of a service are those of all its ports',
  localityLbSetting: 'sites say who comes first: see mode of a service',
  warmupDurationSecs: 'see slowStart of a service',
  warmup: 'see slowStart of a service',
  maxRetries: 'retries are a share of the requests: see retry.budgetPercent',
  maxEjectionPercent: 'endpoints may all be ejected; below priority.panicPercent health is ignored',
  proxyProtocol: 'see proxyProtocol of a service',
}
