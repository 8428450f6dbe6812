import { wordIn } from '@budao/model'
import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import { wholeAt } from './istio-number.ts'
import { type Part, tellUnknown, textAt } from './manifest-part.ts'

/** What a `trafficPolicy` says, as settings of a service. */
export function readTrafficPolicy(policy: Part, notes: Notes): Written {
  tellUnknown(policy, knownInPolicy, notes, reasons)
  return {
    ...readBalance(policy.at('loadBalancer'), notes),
    ...readPool(policy.at('connectionPool'), notes),
    ...readOutlier(policy.at('outlierDetection'), notes),
    ...readTls(policy.at('tls'), notes),
  }
}

function readBalance(balancer: Part, notes: Notes): Written {
  tellUnknown(balancer, knownInBalancer, notes, reasons)
  const simple = textAt(balancer, 'simple')
  const balance = simple === undefined ? undefined : wordIn(balances, simple)
  if (balance !== undefined) return { balance }
  if (simple !== undefined) {
    const expected = `${simple}: expected one of ${Object.keys(balances).join(', ')}`
    notes.add('lost', balancer.place('simple'), 'simple', expected)
  }
  const hash = balancer.at('consistentHash')
  return hash.value === undefined ? {} : readHash(hash, notes)
}

function readHash(hash: Part, notes: Notes): Written {
  tellUnknown(hash, knownInHash, notes, reasons)
  tellUnknown(hash.at('httpCookie'), knownInCookie, notes)
  const balance = hash.at('maglev').value === undefined ? 'ring-hash' : 'maglev'
  const header = textAt(hash, 'httpHeaderName')
  const query = textAt(hash, 'httpQueryParameterName')
  const cookie = textAt(hash, 'httpCookie', 'name')
  const ttl = textAt(hash, 'httpCookie', 'ttl')
  if (header !== undefined) return { balance, hashOn: { header } }
  if (query !== undefined) return { balance, hashOn: { query } }
  if (cookie !== undefined)
    return { balance, hashOn: { cookie }, ...(ttl === undefined ? {} : { cookieTtl: ttl }) }
  return { balance, hashOn: { ip: true } }
}

function readPool(pool: Part, notes: Notes): Written {
  tellUnknown(pool, knownInPool, notes)
  tellUnknown(pool.at('tcp'), knownInTcpPool, notes)
  tellUnknown(pool.at('http'), knownInHttpPool, notes, reasons)
  const limits = given({
    connections: wholeAt(pool, ['tcp', 'maxConnections'], connectionsMax, notes) || undefined,
    pending: wholeAt(pool, ['http', 'http1MaxPendingRequests'], requestsMax, notes) || undefined,
    concurrency: wholeAt(pool, ['http', 'http2MaxRequests'], requestsMax, notes) || undefined,
  })
  const timeouts = given({
    connect: textAt(pool, 'tcp', 'connectTimeout'),
    idle: textAt(pool, 'http', 'idleTimeout'),
  })
  return given({ limits, timeouts })
}

function readOutlier(detection: Part, notes: Notes): Written {
  if (detection.value === undefined) return {}
  tellUnknown(detection, knownInDetection, notes, reasons)
  if (detection.at('interval').value !== undefined)
    notes.add(
      'default',
      detection.place('interval'),
      'interval',
      'an endpoint is ejected with the failure that is one too many',
    )
  const [any, gateway] = ['consecutive5xxErrors', 'consecutiveGatewayErrors'].map((key) =>
    wholeAt(detection, [key], failsMax, notes),
  )
  const fails = any ?? gateway ?? failsDefault
  if (gateway !== undefined && gateway !== fails && gateway !== 0)
    notes.add(
      'lost',
      detection.place('consecutiveGatewayErrors'),
      'consecutiveGatewayErrors',
      'failures are counted together: see maxFails',
    )
  const panicPercent = textAt(detection, 'minHealthPercent')
  return {
    outlier:
      fails === 0 ? false : { maxFails: fails, failTimeout: textAt(detection, 'baseEjectionTime') ?? '30s' },
    ...(panicPercent === undefined ? {} : { priority: { panicPercent: Number(panicPercent) } }),
  }
}

function readTls(tls: Part, notes: Notes): Written {
  const mode = textAt(tls, 'mode')
  if (mode === undefined || mode === 'DISABLE') return {}
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') {
    const reason = `${mode}: there is no mesh that gives certificates: say cert and key of tls`
    notes.add('lost', tls.place('mode'), 'mode', reason)
    return {}
  }
  tellUnknown(tls, knownInTls, notes)
  const sans = tls.at('subjectAltNames').value
  const settings = given({
    ca: textAt(tls, 'caCertificates'),
    serverName: textAt(tls, 'sni'),
    cert: textAt(tls, 'clientCertificate'),
    key: textAt(tls, 'privateKey'),
    sans: Array.isArray(sans) ? sans : undefined,
    verify: tls.at('insecureSkipVerify').value === true ? false : undefined,
  })
  return { tls: settings }
}

/** Without what is undefined or empty. */
function given(values: Written): Written {
  const isGiven = (value: unknown): boolean =>
    value !== undefined && (typeof value !== 'object' || Object.keys(value as object).length > 0)
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isGiven(value)))
}

// What the configuration takes at most; Envoy ejects after five failures.
const connectionsMax = 65_535
const requestsMax = 1_000_000
const failsMax = 1_000
const failsDefault = 5

const balances: Readonly<Record<string, string>> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-request',
  LEAST_CONN: 'least-request',
  RANDOM: 'random',
  UNSPECIFIED: 'least-request',
}

const knownInBalancer: ReadonlySet<string> = new Set(['simple', 'consistentHash'])

const knownInHash: ReadonlySet<string> = new Set([
  ...['httpHeaderName', 'httpQueryParameterName', 'httpCookie', 'useSourceIp', 'maglev', 'ringHash'],
])

const knownInCookie: ReadonlySet<string> = new Set(['name', 'ttl'])

const knownInPool: ReadonlySet<string> = new Set(['tcp', 'http'])

const knownInTcpPool: ReadonlySet<string> = new Set(['maxConnections', 'connectTimeout'])

const knownInPolicy: ReadonlySet<string> = new Set([
  ...['loadBalancer', 'connectionPool', 'outlierDetection', 'tls'],
])

const knownInHttpPool: ReadonlySet<string> = new Set([
  ...['http1MaxPendingRequests', 'http2MaxRequests', 'idleTimeout'],
])

const knownInDetection: ReadonlySet<string> = new Set([
  ...['consecutive5xxErrors', 'consecutiveGatewayErrors', 'interval'],
  ...['baseEjectionTime', 'minHealthPercent'],
])

const knownInTls: ReadonlySet<string> = new Set([
  ...['mode', 'caCertificates', 'sni', 'clientCertificate', 'privateKey'],
  ...['subjectAltNames', 'insecureSkipVerify'],
])

const reasons: Readonly<Record<string, string>> = {
  consecutiveErrors: 'say consecutive5xxErrors',
  minimumRingSize: 'the ring has the size it needs',
  portLevelSettings: 'settings of a service are those of all its ports',
  localityLbSetting: 'sites say who comes first: see mode of a service',
  warmupDurationSecs: 'see slowStart of a service',
  warmup: 'see slowStart of a service',
  maxRetries: 'retries are a share of the requests: see retry.budgetPercent',
  maxEjectionPercent: 'endpoints may all be ejected; below priority.panicPercent health is ignored',
  proxyProtocol: 'see proxyProtocol of a service',
}
