import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config-parser.ts'
import { formatProblem } from './problem.ts'
import { smallest, smallestWith } from './written-config.test.ts'

function complain(text: string): string[] {
  const parsed = parseConfig(text, 'f')
  return (parsed.ok ? [] : parsed.problems).map(formatProblem)
}

function warn(text: string): string[] {
  const parsed = parseConfig(text, 'f')
  return (parsed.ok ? parsed.warnings : []).map(formatProblem)
}

const endpoint = '- { address: 127.0.0.1:7001, site: east }'
const listener = '- { name: web, address: 0.0.0.0:8080, protocol: http }'
const backends = 'backends: [{ service: shop }]'

/** The smallest file, with one line more in its service. */
const acme = '{ directory: "https://ca.example/dir", hosts: [a.example], agreeToTerms: true }'
const withService = (line: string): string => smallestWith(['    endpoints:', `    ${line}\n    endpoints:`])
/** The smallest file, with an aggregate route of one part. */
const withAggregate = (part: string): string =>
  smallestWith([backends, `aggregate: { parts: { p: ${part} } }`])
/** The smallest file, with one line more in its route. */
const withRoute = (line: string): string => smallestWith([backends, `${backends}\n    ${line}`])

const syntax: [text: string, ...problems: string[]][] = [
  ['', 'f:1:1  bad value: expected keys with their values, found nothing (write {} for the defaults)'],
  ['hello', 'f:1:1  bad value: expected keys with their values, found "hello"'],
  ['- 1', 'f:1:1  bad value: expected keys with their values, found a list'],
  ['a:\n\t- b', 'f:2:1  not YAML: a tab in the indentation, use spaces'],
  [
    'a: [1,\nb: 2',
    'f:2:1  not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  ['a: *x', 'f:1:4  a: bad alias: no anchor &x before it'],
  ['a: &x [*x]', 'f:1:8  a[0]: bad alias: it stands inside what it stands for'],
  ['? [a]\n: b', 'f:1:3  bad key: expected a text'],
  ['a: !secret b', 'f:1:4  unknown tag: only plain values are read'],
  ['a: 1\n---\nb: 1', 'f:2:1  not YAML: several documents in one file'],
  ['['.repeat(100_000), 'f:1:1  nested too deeply'],
  [
    [
      'a: &a [1,1,1,1,1,1,1,1,1]',
      'b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]',
      'c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]',
      'd: [*c,*c,*c]',
    ].join('\n'),
    'f:1:1  bad alias: Excessive alias count indicates a resource exhaustion attack',
  ],
]

const shape: [text: string, ...problems: string[]][] = [
  [
    `${smallest}drills: { timezone: Asia/Peking2 }\n`,
    'f:13:21  drills.timezone: bad value: expected a time zone such as UTC or Asia/Shanghai, found "Asia/Peking2"',
  ],
  [
    `${smallest}drills: { blockWindows: [{ reason: sale }] }\n`,
    'f:13:26  drills.blockWindows[0]: bad value: expected dates, days or times, found keys with values',
  ],
  [`${smallest}drain: 30s\ndrain: 40s\n`, 'f:14:1  drain: key given twice'],
  [
    `${smallest}drain: 5\n`,
    'f:13:8  drain: bad value: expected a duration such as 500ms, 3s or 5m, found 5 (give a unit, such as 5s)',
  ],
  [`${smallest}drain: 40d\n`, 'f:13:8  drain: bad value: expected at most 24 days, found "40d"'],
  [
    `${smallest}colour: red\n`,
    'f:13:1  colour: unknown key: expected one of version, node, dataDir, sites, admin, workers, drain, log, dns, gslb, drills, alerts, overload, tracing, listeners, control, replication, logs, virtualIp, stores, identity, caches, services, processes, rollouts, routes',
  ],
  [
    `${smallest}log: { level: worn }\n`,
    'f:13:15  log.level: bad value: expected one of debug, info, warn, error, silent, found "worn" (did you mean `warn`?)',
  ],
  [`${smallest}workers: 0\n`, 'f:13:10  workers: bad value: expected a whole number from 1 to 256, found 0'],
  [
    withService('breaker: { windw: 5s, buckets: many }'),
    'f:8:16  services.shop.breaker.windw: unknown key (did you mean `window`?)',
    'f:8:36  services.shop.breaker.buckets: bad value: expected a whole number from 1 to 100, found "many"',
  ],
  [
    withService('limits: { adaptive: true, queue: { size: 0, timeout: soon } }'),
    'f:8:25  services.shop.limits.adaptive: bad value: expected keys with their values, found true',
    'f:8:46  services.shop.limits.queue.size: bad value: expected a whole number from 1 to 100000, found 0',
    'f:8:58  services.shop.limits.queue.timeout: bad value: expected a duration above zero such as 500ms, 3s or 5m, found "soon"',
  ],
  [
    withService('limits: { queue: { timeout: 10s } }'),
    'f:8:33  services.shop.limits.queue.timeout: longer than timeouts.request: expected at most 3000ms, found 10000ms',
  ],
  [
    withService('limits: { shares: { high: 50, normal: 60 } }'),
    'f:8:43  services.shop.limits.shares.normal: larger than high: expected at most 50, found 60',
  ],
  [
    withService('retry: { hedge: { after: p42, max: 9 } }'),
    'f:8:30  services.shop.retry.hedge.after: bad value: expected a duration such as 50ms, or p50, p90, p95, p99, found "p42"',
    'f:8:40  services.shop.retry.hedge.max: bad value: expected a whole number from 1 to 3, found 9',
  ],
  [
    withRoute('priority: urgent'),
    'f:13:15  routes[0].priority: bad value: expected critical, high, normal, low, or { header, max, default }, found "urgent"',
  ],
  [
    withService('breaker: true'),
    'f:8:14  services.shop.breaker: bad value: expected settings, or false, found true',
  ],
  [
    withService('retry: { on: [502, 700, broken] }'),
    'f:8:24  services.shop.retry.on[1]: bad value: expected connect-failure, reset-before-request, reset, timeout, or a status from 400 to 599, found 700',
    'f:8:29  services.shop.retry.on[2]: bad value: expected connect-failure, reset-before-request, reset, timeout, or a status from 400 to 599, found "broken"',
  ],
  [
    smallestWith([listener, '- { name: web, address: 8080, protocol: udp }']),
    'f:5:27  listeners[0].address: bad value: expected host:port, such as 127.0.0.1:8080 or [::1]:8080, port 0 to 65535, found 8080 (write it in quotes: "8080")',
    'f:5:43  listeners[0].protocol: bad value: expected one of http, https, tcp, tls-passthrough, found "udp"',
  ],
  [
    smallestWith([listener, '- { name: web, address: "0.0.0.0:8080", protocol: http, protocols: [h2] }']),
    'f:5:70  listeners[0].protocols: only behind TLS: expected [h2, http/1.1] with protocol http, found a list',
  ],
  [
    smallestWith([':7001', ':0']),
    'f:9:20  services.shop.endpoints[0].address: bad value: expected host:port such as 10.0.0.5:7001, [::1]:7001 or shop.internal:7001, or srv:NAME such as srv:_shop._tcp.internal, found "127.0.0.1:0"',
  ],
  [
    smallestWith(['  shop:', '  my shop:'], ['service: shop', 'service: my shop']),
    'f:7:3  services["my shop"]: bad name: expected a name: a letter, then letters, digits, - or _, at most 63, found "my shop"',
    'f:12:27  routes[0].backends[0].service: bad value: expected a name: a letter, then letters, digits, - or _, at most 63, found "my shop"',
  ],
  [
    smallestWith([', protocol: http', '']),
    'f:5:5  listeners[0].protocol: missing: expected one of http, https, tcp, tls-passthrough',
  ],
  [
    smallestWith([`      ${endpoint}\n`, ''], ['endpoints:', 'registration: false\n    endpoints: []']),
    'f:9:16  services.shop.endpoints: missing: expected at least one endpoint, since none may register',
  ],
  [
    withRoute('match: [{ path: { exact: /a, prefix: /b } }]'),
    'f:13:21  routes[0].match[0].path: bad value: expected exactly one of exact, prefix, regex, found keys with values',
  ],
  [
    withRoute('match: [{ path: { regex: "(" } }]'),
    'f:13:30  routes[0].match[0].path.regex: bad value: expected a regular expression as JavaScript writes them, found "("',
  ],
  [
    withRoute('match: [{ headers: { X-A: 3 }, method: get }]'),
    'f:13:31  routes[0].match[0].headers.X-A: bad value: expected a text, { exact }, { prefix }, { regex }, { present } or { not }, found 3 (write it in quotes: "3")',
    'f:13:44  routes[0].match[0].method: bad value: expected a method in capitals, such as GET, or a list of them, found "get"',
  ],
  [
    withRoute('filters: [{ ratelimit: {} }, {}, { accessLog: }]'),
    'f:13:17  routes[0].filters[0].ratelimit: unknown key (did you mean `rateLimit`?)',
    'f:13:34  routes[0].filters[1]: bad value: expected exactly one of jwt, rateLimit, accessLog, cors, headers, fault, idempotency, module, found {}',
    'f:13:51  routes[0].filters[2].accessLog: bad value: expected keys with their values, found nothing (write {} for the defaults)',
  ],
  [
    withRoute('filters: [{ jwt: { jwks: k, algorithms: [none] } }]'),
    'f:13:46  routes[0].filters[0].jwt.algorithms[0]: bad value: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, found "none"',
  ],
  [
    withRoute('fallback: { json: { a: .inf } }'),
    'f:13:28  routes[0].fallback.json.a: bad value: expected a value JSON can carry, found Infinity',
  ],
  [
    withRoute('filters: [{ headers: { request: { set: { X-A: "a\\r\\nb" } } } }]'),
    'f:13:51  routes[0].filters[0].headers.request.set.X-A: bad value: expected a header value on one line, found "a\\r\\nb"',
  ],
]

const drill = (more: string): string =>
  `${smallest}drills: { schedule: [{ name: a, scenario: hang, site: east, at: "10:30"${more} }] }\n`

const crossed: [text: string, ...problems: string[]][] = [
  [
    drill(', duration: 10s'),
    'f:13:84  drills.schedule[0].duration: too short for the fault: expected at least 13000ms: 5s before the fault and 2s after it, found 10000ms',
  ],
  [
    `${smallest}drills: { relays: { control: "10.0.0.1:9950", links: [{ listen: "127.0.0.1:7001", to: "127.0.0.1:7002" }] } }\n`,
    'f:13:30  drills.relays.control: open to the network: expected a loopback address: whoever reaches it can cut endpoints off, found "10.0.0.1:9950"',
  ],
  [
    `${smallest}drills: { blockWindows: [{ dates: { from: 2026-11-12, to: 2026-11-10 } }] }\n`,
    'f:13:59  drills.blockWindows[0].dates.to: before its beginning: expected 2026-11-12 or later, found "2026-11-10"',
  ],
  [
    smallestWith(['site: east }\nsites', 'site: eest }\nsites']),
    'f:2:27  node.site: unknown site: expected one of east, west, found "eest" (did you mean `east`?)',
  ],
  [
    smallestWith(['7001, site: east', '7001, site: north']),
    'f:9:42  services.shop.endpoints[0].site: unknown site: expected one of east, west, found "north"',
  ],
  [
    `${smallest}    filters: [{ rateLimit: { requests: 1, per: 1s, store: counters } }]\n`,
    'f:13:59  routes[0].filters[0].rateLimit.store: unknown store: expected a store, found "counters"',
  ],
  [
    `${smallest}    filters: [{ idempotency: { store: keys } }]\n`,
    'f:13:39  routes[0].filters[0].idempotency.store: unknown store: expected a store, found "keys"',
  ],
  [
    `${smallest}    filters: [{ idempotency: { by: "claim:sub" } }]\n`,
    'f:13:36  routes[0].filters[0].idempotency.by: no token to take a claim from: expected a `jwt` filter on this route',
  ],
  [
    `${smallest}    filters: [{ idempotency: {} }, { idempotency: {} }]\n`,
    'f:13:51  routes[0].filters[1].idempotency: given twice (a route keeps first results once)',
  ],
  [
    `${smallest}    filters: [{ idempotency: { by: ip } }]\n`,
    'f:13:36  routes[0].filters[0].idempotency.by: bad value: expected user, everybody, openid, header:Name, cookie:name or claim:name, or a list of them, found "ip"',
  ],
  [
    `${smallest}    filters: [{ rateLimit: { requests: 1, per: 1s, key: "header:" } }]\n`,
    'f:13:57  routes[0].filters[0].rateLimit.key: bad value: expected ip, route, openid, header:Name, cookie:name or claim:name, or a list of them, found "header:"',
  ],
  [
    `${smallest}    listeners: [web, webs]\n`,
    'f:13:22  routes[0].listeners[1]: unknown listener: expected one of web, found "webs" (did you mean `web`?)',
  ],
  [
    smallestWith(['{ service: shop }', '{ service: shops }']),
    'f:12:27  routes[0].backends[0].service: unknown service: expected one of shop, found "shops" (did you mean `shop`?)',
  ],
  [
    smallestWith(['east: {}, west: {}', 'east: { weight: 0 }, west: { weight: 0 }']),
    'f:3:8  sites: all weights are 0: expected at least one above 0',
  ],
  [
    smallestWith([endpoint, `${endpoint}\n      ${endpoint}`]),
    'f:10:20  services.shop.endpoints[1].address: address given twice: found "127.0.0.1:7001" (endpoints[0] has it too)',
  ],
  [
    smallestWith([endpoint, '- { address: a:1, site: east, weight: 0 }']),
    'f:9:7  services.shop.endpoints: all weights are 0: expected at least one above 0',
  ],
  [
    smallestWith([listener, `${listener}\n  ${listener}`]),
    'f:6:13  listeners[1].name: name given twice: found "web" (listeners[0] has it too)',
    'f:6:27  listeners[1].address: address given twice: found "0.0.0.0:8080" (listeners[0] has it too)',
  ],
  [
    smallestWith(['protocol: http', 'protocol: https']),
    'f:5:5  listeners[0].tls: missing: expected { cert, key }, { certificates } or { acme } with protocol https',
  ],
  [
    smallestWith(['protocol: http', 'protocol: http, tls: { cert: a, key: b }']),
    'f:5:62  listeners[0].tls: not with protocol http (set protocol to https)',
  ],
  [
    smallestWith(['protocol: http', `protocol: https, tls: { acme: ${acme} }`]),
    'f:5:71  listeners[0].tls.acme: only beside a listener with protocol http (the directory asks there, at port 80 of each name, whether the names are yours)',
  ],
  [
    smallestWith(['protocol: http', `protocol: https, tls: { cert: a, key: b, acme: ${acme} }`]),
    'f:5:63  listeners[0].tls: bad value: expected cert and key, or certificates, or acme, found keys with values',
    'f:5:88  listeners[0].tls.acme: only beside a listener with protocol http (the directory asks there, at port 80 of each name, whether the names are yours)',
  ],
  [
    smallestWith([
      'protocol: http',
      `protocol: https, tls: { acme: ${acme.replace('[a.example]', '["*.a.example"]')} }`,
    ]),
    'f:5:71  listeners[0].tls.acme: only beside a listener with protocol http (the directory asks there, at port 80 of each name, whether the names are yours)',
    'f:5:118  listeners[0].tls.acme.hosts[0]: bad value: expected a name without wildcard, found "*.a.example"',
  ],
  [
    smallestWith(['protocol: http', `protocol: https, tls: { acme: ${acme.replace('true', 'false')} }`]),
    'f:5:71  listeners[0].tls.acme: only beside a listener with protocol http (the directory asks there, at port 80 of each name, whether the names are yours)',
    'f:5:144  listeners[0].tls.acme.agreeToTerms: bad value: expected true, once you agree to the terms of the directory, found false',
  ],
  [
    smallestWith(['protocol: http', 'protocol: https, tls: { certificates: [] }']),
    'f:5:63  listeners[0].tls: bad value: expected cert and key, or certificates, or acme, found keys with values',
  ],
  [
    smallestWith(['protocol: http', 'protocol: https, tls: { cert: a, key: b, hsts: { maxAge: 1h } }']),
    'f:5:98  listeners[0].tls.hsts.maxAge: bad value: expected days from 0d to 3650d, such as 180d, or as many seconds, found "1h"',
  ],
  [
    smallestWith(['protocol: http', 'protocol: https, tls: { cert: a, key: b, hsts: { preload: true } }']),
    'f:5:88  listeners[0].tls.hsts: bad value: expected includeSubDomains and a maxAge of at least 365d with preload, found keys with values',
  ],
  [
    smallestWith(['protocol: http', 'protocol: tcp, service: shop, tls: { cert: a, key: b, hsts: {} }']),
    'f:5:101  listeners[0].tls.hsts: not with protocol tcp (its bytes need not be HTTP; set protocol to https)',
  ],
  [
    `${smallest}admin: { address: 0.0.0.0:9900 }\n`,
    'f:13:19  admin.address: open to the network without tokens: expected a loopback address, or admin.tokens, found "0.0.0.0:9900"',
  ],
  [
    `${smallest}admin: { address: 0.0.0.0:9900, tokens: {} }\n`,
    'f:13:41  admin.tokens: missing: expected viewer, operator or both',
  ],
  [
    `${smallest}admin: { tokens: { viewer: 12345678a, operator: 12345678a } }\n`,
    'f:13:28  admin.tokens.viewer: the same token twice: expected another one than operator',
  ],
  [
    smallestWith(['0.0.0.0:8080', '127.0.0.1:9900']),
    'f:1:1  admin.address: address given twice: found "127.0.0.1:9900" (a listener has it too)',
  ],
  [
    withService('healthCheck: { type: http, timeout: 2s }'),
    'f:8:41  services.shop.healthCheck.timeout: longer than healthCheck.interval: expected at most 1000ms, found 2000ms',
  ],
  [
    withService('timeouts: { perTry: 4s }'),
    'f:8:25  services.shop.timeouts.perTry: longer than timeouts.request: expected at most 3000ms, found 4000ms',
  ],
  [
    withService('breaker: { trialLease: 1s }'),
    'f:8:28  services.shop.breaker.trialLease: shorter than timeouts.request: expected at least 3000ms, found 1000ms',
  ],
  [
    withService('breaker: { window: 5ms }'),
    'f:8:24  services.shop.breaker.window: bad value: expected at least 1ms for each bucket',
  ],
  [
    smallestWith([backends, `${backends}\n  - name: all\n    ${backends}`]),
    'f:13:11  routes[1].name: name given twice: found "all" (routes[0] has it too)',
  ],
  [
    smallestWith([backends, 'rewrite: { path: /a }']),
    'f:11:5  routes[0].backends: missing: expected one of backends, respond, redirect, aggregate, serve',
  ],
  [
    smallestWith([listener, '- { name: web, address: 127.0.0.1:0, protocol: tcp }']),
    'f:5:5  listeners[0].service: missing: expected a key of services with protocol tcp',
  ],
  [
    smallestWith([
      listener,
      '- { name: web, address: 127.0.0.1:0, protocol: tcp, service: shops, sni: { a: b } }',
    ]),
    'f:5:64  listeners[0].service: unknown service: expected one of shop, found "shops" (did you mean `shop`?)',
    'f:5:76  listeners[0].sni: not with protocol tcp: expected names with their services with protocol tls-passthrough',
    'f:5:81  listeners[0].sni.a: unknown service: expected one of shop, found "b"',
  ],
  [
    smallestWith(['  shop:\n', '  shop:\n    proxyProtocol: v2\n']),
    'f:8:20  services.shop.proxyProtocol: not where requests of many clients share a connection (routes[0] asks this service; X-Forwarded-For says there who asks)',
  ],
  [withRoute('respond: {}'), 'f:13:14  routes[0].respond: not with backends'],
  [
    `${withRoute('cache: { in: page, ttl: 0s }')}caches: { pages: { bytes: 4MiB, store: main }, odd: { bytes: 1MB } }\n`,
    'f:13:18  routes[0].cache.in: unknown cache: expected one of default, pages, odd, found "page" (did you mean `pages`?)',
    'f:13:29  routes[0].cache.ttl: bad value: expected a duration above zero such as 500ms, 3s or 5m, found "0s"',
    'f:14:40  caches.pages.store: unknown store: expected a store, found "main"',
    'f:14:62  caches.odd.bytes: bad value: expected a size from 1MiB to 16GiB, such as 64MiB, found "1MB"',
  ],
  [
    `${smallest}caches: { small: { bytes: 2MiB } }\n`,
    'f:13:11  caches.small.entryBytes: too large for this cache: expected at most a fifth of bytes, 419430, found 1048576',
  ],
  [smallestWith([backends, 'respond: {}\n    cache: {}']), 'f:13:12  routes[0].cache: not with respond'],
  [
    smallestWith([backends, 'redirect: { port: 1 }\n    respond: {}\n    timeout: 1s']),
    'f:12:15  routes[0].redirect: not with respond',
    'f:14:14  routes[0].timeout: not with respond',
  ],
  [
    smallestWith([backends, 'redirect: { status: 301 }']),
    'f:12:15  routes[0].redirect: missing: expected one of scheme, host, port, path, prefix',
  ],
  [
    smallestWith([backends, 'redirect: { status: 300, host: "a b", prefix: /a }']),
    'f:12:25  routes[0].redirect.status: bad value: expected one of 301, 302, 303, 307, 308, found 300',
    'f:12:36  routes[0].redirect.host: bad value: expected a host name without port, found "a b"',
  ],
  [withRoute('rewrite: { prefix: /a, path: /b }'), 'f:13:24  routes[0].rewrite.prefix: not with path'],
  [
    withRoute('rewrite: { host: "a/b" }'),
    'f:13:22  routes[0].rewrite.host: bad value: expected a host name, with or without port, found "a/b"',
  ],
  [
    withAggregate('{ service: shop, path: "/{path.id}", query: { a: "{foo}" }, headers: { Host: x } }'),
    'f:12:53  routes[0].aggregate.parts.p.path: unknown part of the path: expected a named group in `match[].path.regex`, found "id" (such as /users/(?<id>[^/]+))',
    'f:12:79  routes[0].aggregate.parts.p.query.a: bad value: expected {path.name}, {query.name}, {header.name}, {cookie.name} or {claim.name}, found "{foo}"',
    'f:12:107  routes[0].aggregate.parts.p.headers.Host: written by the gateway: expected another header, found "Host"',
  ],
  [
    withAggregate('{ service: shops, path: a, json: {}, timeout: 5s }'),
    'f:12:41  routes[0].aggregate.parts.p.service: unknown service: expected one of shop, found "shops" (did you mean `shop`?)',
    'f:12:54  routes[0].aggregate.parts.p.path: bad value: expected a path that starts with /, found "a"',
    'f:12:63  routes[0].aggregate.parts.p.json: only with method POST',
  ],
  [
    withAggregate('{ service: shop, path: /, timeout: 5s }'),
    'f:12:65  routes[0].aggregate.parts.p.timeout: longer than timeout: expected at most 3000ms, found 5000ms',
  ],
  [
    smallestWith([
      backends,
      'aggregate: { parts: { partial: { service: shop, path: / } }, passHeaders: [Cookie, X-Request-Id] }',
    ]),
    'f:12:36  routes[0].aggregate.parts.partial: a name of the gateway’s own: expected another name, found "partial"',
    'f:12:88  routes[0].aggregate.passHeaders[1]: written by the gateway: expected another header, found "x-request-id"',
  ],
  [
    smallestWith([backends, 'aggregate: { parts: {} }']),
    'f:12:25  routes[0].aggregate.parts: bad value: expected at least one part, found {}',
  ],
  [
    withRoute('mirror: { service: shop }'),
    'f:13:24  routes[0].mirror.service: answers here already: expected a service of its own: its breaker and limits are shared, found "shop"',
  ],
  [
    withRoute('mirror: { service: shops, basisPoints: 10001 }'),
    'f:13:24  routes[0].mirror.service: unknown service: expected one of shop, found "shops" (did you mean `shop`?)',
    'f:13:44  routes[0].mirror.basisPoints: bad value: expected a whole number from 0 to 10000, found 10001',
  ],
  [
    `${smallest}
rollouts:
  a: { route: r, release: stable, lease: 1s, steps: [{ basisPoints: 500, for: 1m }, { basisPoints: 500, for: 1m }] }
  b: { route: all, release: canary }
  c: { route: all, release: canary }`,
    'f:15:15  rollouts.a.route: unknown route: expected one of all, found "r"',
    'f:15:27  rollouts.a.release: not to be rolled out: expected another release: stable has what it leaves, found "stable"',
    'f:15:42  rollouts.a.lease: too short: expected at least 3000ms: it is renewed each second, found 1000ms',
    'f:15:100  rollouts.a.steps[1].basisPoints: does not rise: expected more than 500, found 500',
    'f:16:15  rollouts.b.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:16:29  rollouts.b.release: unknown release: expected a release, found "canary"',
    'f:17:15  rollouts.c.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:17:15  rollouts.c.route: two rollouts on one route: expected one after the other, found "all" (rollouts.b has it too)',
    'f:17:29  rollouts.c.release: unknown release: expected a release, found "canary"',
  ],
  [
    `${smallest}
rollouts:
  a:
    route: all
    release: canary
    strategy: blueGreen
    steps: [{ basisPoints: 500, mirrorBasisPoints: 1, for: 1m }, { for: 1m }, { basisPoints: 600, for: 1m, requests: -1 }]
    schema: { phase: contract, change: drop a, after: b }
  b: { route: all, release: canary, schema: { phase: shrink, change: x, after: a } }
  c: { route: all, release: canary, steps: [{ for: 1m }], schema: { phase: contract, change: y } }`,
    'f:16:12  rollouts.a.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:17:14  rollouts.a.release: unknown release: expected a release, found "canary"',
    'f:19:28  rollouts.a.steps[0].basisPoints: a part: expected nothing, or all 10000: blueGreen knows nothing between, found 500',
    'f:19:52  rollouts.a.steps[0].mirrorBasisPoints: a mirror beside a share: expected mirrors first, then steps with basisPoints alone',
    'f:19:66  rollouts.a.steps[1].basisPoints: does not rise: expected more than 500, found 0',
    'f:19:94  rollouts.a.steps[2].basisPoints: a part: expected nothing, or all 10000: blueGreen knows nothing between, found 600',
    'f:19:118  rollouts.a.steps[2].requests: bad value: expected a whole number from 0 to 100000000, found -1',
    'f:20:55  rollouts.a.schema.after: comes after itself: expected rollouts one behind the other, found a after b after a',
    'f:21:15  rollouts.b.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:21:15  rollouts.b.route: two rollouts on one route: expected one after the other, found "all" (rollouts.a has it too)',
    'f:21:29  rollouts.b.release: unknown release: expected a release, found "canary"',
    'f:21:54  rollouts.b.schema.phase: bad value: expected one of expand, migrate, contract, found "shrink"',
    'f:21:80  rollouts.b.schema.after: comes after itself: expected rollouts one behind the other, found b after a after b',
    'f:22:15  rollouts.c.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:22:15  rollouts.c.route: two rollouts on one route: expected one after the other, found "all" (rollouts.a has it too)',
    'f:22:29  rollouts.c.release: unknown release: expected a release, found "canary"',
    'f:22:45  rollouts.c.steps[0]: nothing happens at it: expected basisPoints, mirrorBasisPoints, or pause: true',
    'f:22:59  rollouts.c.schema.after: missing: expected the rollout behind which no older release has users',
  ],
  [
    `${smallest}
rollouts:
  a:
    route: all
    release: canary
    analysis:
      nobody: { max: 1 }
      both: { log: count(x) > 1 in 1m, webhook: { url: "ftp://x" }, min: 2, max: 1 }
      free: { prometheus: { url: "http://p:9090", query: up } }
      same: { prometheus: { url: "http://p:9090", query: up }, ofStable: {}, interval: 1s, timeout: 2s }`,
    'f:16:12  rollouts.a.route: does not split: expected a route with `split`, `{}` will do, found "all"',
    'f:17:14  rollouts.a.release: unknown release: expected a release, found "canary"',
    'f:19:15  rollouts.a.analysis.nobody: asks nobody: expected exactly one of prometheus, webhook, log',
    'f:20:13  rollouts.a.analysis.both: asks twice: expected exactly one of prometheus, webhook, log, found webhook, log',
    'f:20:56  rollouts.a.analysis.both.webhook.url: bad value: expected a URL such as http://127.0.0.1:9090, found "ftp://x"',
    'f:20:74  rollouts.a.analysis.both.min: above max: expected at most 1, found 2',
    'f:21:13  rollouts.a.analysis.free: has no limit: expected min, max or ofStable',
    'f:22:58  rollouts.a.analysis.same.prometheus.query: asks the same about stable: expected $release where the name of the release stands',
    'f:22:74  rollouts.a.analysis.same.ofStable: has no limit: expected min or max',
    'f:22:101  rollouts.a.analysis.same.timeout: longer than interval: expected at most 1000ms, found 2000ms',
  ],
  [
    withRoute('split: { releases: { canary: 6000, stable: 5000 }, overrides: [{ release: stable }] }'),
    'f:13:24  routes[0].split.releases: too much: expected at most 10000 together, found 11000',
    'f:13:34  routes[0].split.releases.canary: unknown release: expected one of stable, found "canary"',
    'f:13:48  routes[0].split.releases.stable: not to be given: expected the other releases: stable has what they leave',
    'f:13:68  routes[0].split.overrides[0]: holds for everybody: expected headers, users, sites, appVersion or several of them',
  ],
  [
    withRoute('sticky: { header: a, ip: true, ttl: 1s }'),
    'f:13:13  routes[0].sticky: bad value: expected exactly one of header, cookie, query, claim, ip',
    'f:13:41  routes[0].sticky.ttl: only with cookie',
  ],
  [
    withRoute('sticky: { claim: sub }'),
    'f:13:22  routes[0].sticky.claim: no token to take a claim from: expected a `jwt` filter on this route',
  ],
  [
    withAggregate('{ service: shop, path: "/{claim.sub}" }'),
    'f:12:53  routes[0].aggregate.parts.p.path: no token to take a claim from: expected a `jwt` filter on this route',
  ],
  [
    withRoute('sticky: {}'),
    'f:13:13  routes[0].sticky: bad value: expected exactly one of header, cookie, query, claim, ip',
  ],
  [
    withRoute('filters: [{ fault: {} }]'),
    'f:13:24  routes[0].filters[0].fault: missing: expected delay, abort or both',
  ],
  [
    withService('cookieTtl: 1h'),
    'f:8:16  services.shop.cookieTtl: nothing hashes a cookie here: expected hashOn.cookie, and balance ring-hash or maglev',
  ],
  [
    smallestWith([backends, 'respond: { status: 204, body: x, json: 1, headers: { Content-Length: "1" } }']),
    'f:12:35  routes[0].respond.body: not with status 204 (it has no body)',
    'f:12:44  routes[0].respond.json: not with body',
    'f:12:74  routes[0].respond.headers.Content-Length: not a header to change: expected one that does not frame messages, found "Content-Length"',
  ],
  [
    withRoute('fallback: { status: 503 }'),
    'f:13:15  routes[0].fallback: missing: expected stale, service, json or several of them',
  ],
  [
    withRoute('fallback: { service: cart }'),
    'f:13:26  routes[0].fallback.service: unknown service: expected one of shop, found "cart"',
  ],
  [
    withRoute('filters: [{ cors: { credentials: true } }]'),
    'f:13:38  routes[0].filters[0].cors.credentials: not with origin "*": expected false, or the origins by name',
  ],
  [
    withRoute('filters: [{ headers: { request: { remove: [Content-Length] } } }]'),
    'f:13:48  routes[0].filters[0].headers.request.remove[0]: not a header to change: expected one that does not frame messages, found "Content-Length"',
  ],
  // What refers to nothing is said even while other values are of the wrong shape.
  [
    smallestWith(['version: 1', 'version: 2'], ['7001, site: east', '7001, site: north']),
    'f:1:10  version: bad value: expected 1, found 2',
    'f:9:42  services.shop.endpoints[0].site: unknown site: expected one of east, west, found "north"',
  ],
]

for (const [text, ...problems] of [...syntax, ...shape, ...crossed]) {
  test(problems[0] ?? text, () => assert.deepEqual(complain(text), problems))
}

const warnings: [text: string, ...warnings: string[]][] = [
  [
    `${smallest}    filters: [{ idempotency: { onUncertain: refuse } }]\n`,
    'f:13:45  routes[0].filters[0].idempotency.onUncertain: while keys cannot be kept a write may be done twice all the same (onStoreAway: refuse goes with it)',
  ],
  [`${smallest}    filters: [{ idempotency: { onUncertain: refuse, onStoreAway: refuse } }]\n`],
  [smallest],
  [
    withService('objectives: { rto: 2s }'),
    'f:8:5  services.shop.objectives: read and checked, and acted on by nobody without `control`',
    'f:8:5  services.shop.objectives: a recovery may take 2212ms, rto is 2000ms',
  ],
  [
    withService('detection: { mode: literal }'),
    'f:8:5  services.shop.detection: read and checked, and acted on by nobody without `control`',
    'f:8:5  services.shop.detection: a dead site may be noticed only after 11000ms (black hole, power loss, SIGSTOP), budget is 5000ms (mode `accelerated` decides sooner)',
  ],
  [
    withRoute('timeout: 9s'),
    'f:13:14  routes[0].timeout: longer than services.shop.breaker.trialLease: a trial may end too late to decide',
  ],
  [
    `${smallest}  - name: late\n    ${backends}\n`,
    'f:13:5  routes[1]: never reached (route `all` before it takes every request)',
  ],
]
for (const [text, ...expected] of warnings) {
  test(`warning ${expected[0] ?? 'none'}`, () => assert.deepEqual(warn(text), expected))
}
