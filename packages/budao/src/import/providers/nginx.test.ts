import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@budao/model/parser'
import type { Imported } from '../imported.ts'
import { wholeConfig, yamlOf } from '../written-config.ts'
import { nginx } from './nginx.ts'

function read(text: string): Imported {
  return nginx.read(text, { file: 'nginx.conf', site: 'main', endpoints: {}, include: () => [] })
}

/** `kind line: reason` of all that is lost or changed. */
function told(text: string): string[] {
  return read(text)
    .notes.filter(({ kind }) => kind !== 'default')
    .map(({ kind, line, reason }) => `${kind} ${line}: ${reason}`)
}

const servers: [what: string, upstream: string, expected: Record<string, unknown>][] = [
  [
    'weights and ejection',
    'server a:1 weight=5 max_fails=3 fail_timeout=30s; server b:2 max_fails=3 fail_timeout=30s;',
    {
      endpoints: [
        { address: 'a:1', site: 'main', weight: 5 },
        { address: 'b:2', site: 'main' },
      ],
      balance: 'round-robin',
      outlier: { maxFails: 3, failTimeout: '30s' },
    },
  ],
  [
    'a server that is down, one without a port, one of IPv6',
    'server a down; server [::1]:81;',
    {
      endpoints: [
        { address: 'a:80', site: 'main', weight: 0 },
        { address: '[::1]:81', site: 'main' },
      ],
    },
  ],
  ['max_fails=0 is no ejection', 'server a:1 max_fails=0;', { outlier: false }],
  ['least_conn', 'least_conn; server a:1;', { balance: 'least-connections' }],
  ['ip_hash', 'ip_hash; server a:1;', { balance: 'ring-hash', hashOn: { ip: true } }],
  [
    'hash',
    'hash $http_x_user consistent; server a:1;',
    { balance: 'ring-hash', hashOn: { header: 'x-user' } },
  ],
  ['random two', 'random two least_conn; server a:1;', { balance: 'least-request' }],
  ['max_conns', 'server a:1 max_conns=7;', { limits: { connections: 7 } }],
  [
    'retries as many as there are servers',
    'server a:1; server b:1; server c:1;',
    { retry: { attempts: 2, on: ['connect-failure', 'reset-before-request', 'reset', 'timeout'] } },
  ],
]
for (const [what, upstream, expected] of servers) {
  test(`upstream: ${what}`, () => {
    const { fragment } = read(`upstream u { ${upstream} } server { location / { proxy_pass http://u; } }`)
    const service = fragment.services['u']!
    assert.deepEqual(Object.fromEntries(Object.keys(expected).map((key) => [key, service[key]])), expected)
  })
}

test('times and retries of the location that uses it', () => {
  const { fragment } = read(`upstream u { server a:1; server b:1; }
    server { proxy_connect_timeout 300ms; proxy_read_timeout 2s; proxy_next_upstream error http_503 http_502;
    location / { proxy_pass http://u; } location /slow/ { proxy_pass http://u; proxy_read_timeout 1m; } }`)
  const { timeouts, retry } = fragment.services['u']!
  assert.deepEqual(timeouts, { connect: '300ms', request: '4s', perTry: '2s' })
  assert.deepEqual(retry, {
    attempts: 1,
    on: ['connect-failure', 'reset-before-request', 'reset', '503', '502'],
  })
  const slow = fragment.routes.find(({ name }) => name === 'slow-2')
  assert.deepEqual([slow?.['timeout'], slow?.['perTry']], ['2m', '1m'])
})

const notes: [what: string, text: string, expected: string[]][] = [
  ['nothing to tell', 'server { location / { proxy_pass http://a; proxy_redirect off; } }', []],
  [
    'what guards access',
    'server {\n location / {\n proxy_pass http://a;\n auth_basic x;\n allow 10.0.0.0/8;\n deny all; } }',
    [4, 5, 6].map((line) => `lost ${line}: who may come is not carried over, so nobody may: 403`),
  ],
  [
    'an unknown directive',
    'server {\n foo bar; location / { return 200; } }',
    ['lost 2: has no counterpart'],
  ],
  [
    'a condition, as a whole',
    'server {\n if ($x) {\n return 403; }\n location / { return 200; } }',
    ['lost 2: conditions are not carried over: write a match on headers, query or cookies'],
  ],
  [
    'a variable in proxy_pass',
    'server { location / {\n proxy_pass http://$x; } }',
    ['lost 2: the backend is not a fixed http or https address: 502'],
  ],
  [
    'a location without a backend',
    'server {\n location /files/ { root /x; } location / { return 204; } }',
    [
      'lost 2: only locations with proxy_pass or return are carried over: 404',
      'lost 2: Budao serves no files',
    ],
  ],
  [
    'a delayed burst',
    'limit_req_zone $binary_remote_addr zone=a:1m rate=5r/s;\nserver {\n limit_req zone=a burst=3; location / { proxy_pass http://a; } }',
    ['changed 3: a burst passes at once instead of being delayed; beyond it 429'],
  ],
  [
    'a socket of the file system',
    'upstream u {\n server unix:/x; server a:1; } server { location / { proxy_pass http://u; } }',
    ['lost 2: only TCP addresses, host:port, can be endpoints'],
  ],
  [
    'TLS that nobody checks',
    'server { location / {\n proxy_pass https://a; } }',
    ['changed 2: certificates of endpoints are not checked, as in the file: set tls.verify to true'],
  ],
  [
    'a header of a variable',
    'server { location / { proxy_pass http://a;\n proxy_set_header X-Real-IP $remote_addr; } }',
    ['lost 2: headers are set to fixed texts only'],
  ],
  [
    'an expression that only PCRE has',
    'server {\n location ~ ^/a++$ { return 200; } location / { return 200; } }',
    ['lost 2: it has a possessive quantifier'],
  ],
]
for (const [what, text, expected] of notes)
  test(`told: ${what}`, () => assert.deepEqual(told(text), expected))

test('limits, TLS and names become a configuration that is accepted', () => {
  const { fragment } = read(`limit_req_zone $cookie_sid zone=z:64k rate=30r/m;
    map $a $b { x y; }
    server { listen 443 ssl http2; listen [::]:443 ssl; server_name a.example www.a.example; ssl_certificate a.crt; ssl_certificate_key a.key;
      client_max_body_size 20m; keepalive_timeout 30s;
      location / { limit_req zone=z burst=9 nodelay; proxy_pass https://b.example; proxy_ssl_verify on; proxy_ssl_trusted_certificate ca.pem; } }
    server { listen 443 ssl; server_name b.example; ssl_certificate b.crt; ssl_certificate_key b.key; return 404; }`)
  const parsed = parseConfig(yamlOf(wholeConfig(fragment), []), 'imported.yaml')
  assert.ok(parsed.ok, JSON.stringify(parsed))
  assert.deepEqual(fragment.listeners, [
    {
      name: 'https-443',
      address: '[::]:443',
      protocol: 'https',
      tls: {
        certificates: [
          { cert: 'a.crt', key: 'a.key', hosts: ['a.example', 'www.a.example'] },
          { cert: 'b.crt', key: 'b.key', hosts: ['b.example'] },
        ],
      },
      limits: { bodyBytes: 20_971_520, idle: '30s' },
    },
  ])
  assert.deepEqual(fragment.services['b-example']?.['tls'], { verify: true, ca: 'ca.pem' })
  assert.deepEqual(
    fragment.routes.map(({ name, hosts }) => [name, hosts]),
    [
      ['b-example-all', ['b.example']],
      ['all', undefined],
    ],
  )
  assert.deepEqual(fragment.routes[1]?.['filters'], [
    { rateLimit: { key: 'cookie:sid', requests: 30, per: '1m', burst: 10, keysMax: 1000 } },
  ])
})
