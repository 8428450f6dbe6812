import assert from 'node:assert/strict'
import { test } from 'node:test'
import { istio } from './providers/istio.ts'
import { keepalived } from './providers/keepalived.ts'
import { nginx } from './providers/nginx.ts'

const source = { file: 'a.conf', site: 'main', endpoints: { shop: ['10.0.0.1:80'] }, include: () => [] }

/** Every object of JavaScript has these; no program has a setting of that name. */
for (const word of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
  const files: [what: string, read: () => ReturnType<typeof nginx.read>, lost: number][] = [
    [
      'nginx',
      () =>
        nginx.read(
          `upstream u { server a:1; ${word} x; } server { ${word} on; location / { ${word} x; proxy_set_header ${word} x; proxy_pass http://u; } }`,
          source,
        ),
      2,
    ],
    [
      'keepalived',
      () =>
        keepalived.read(
          `${word} x\nvrrp_instance web {\n state MASTER\n interface eth1\n virtual_router_id 7\n ${word} x\n virtual_ipaddress { 10.0.0.9 }\n}\nvirtual_server 10.0.0.9 80 {\n lb_algo ${word}\n ${word} x\n real_server 10.0.0.1 80 { weight 1 }\n}\n`,
          source,
        ),
      3,
    ],
    [
      'istio',
      () =>
        istio.read(
          `kind: VirtualService
metadata: { name: shop }
spec:
  hosts: [shop.example]
  "${word}": x
  http:
  - route: [{ destination: { host: shop } }]
    "${word}": x
    retries: { attempts: 1, retryOn: "${word}" }
    match: [{ uri: { prefix: / }, "${word}": x }]
---
kind: DestinationRule
spec: { host: shop, trafficPolicy: { loadBalancer: { simple: "${word}" } } }
`,
          source,
        ),
      3,
    ],
  ]
  for (const [what, read, lost] of files) {
    test(`${what}: ${word} is no setting, and said to be none`, () => {
      const named = read().notes.filter(({ kind, text }) => kind !== 'default' && text.includes(word))
      assert.ok(named.length >= lost, JSON.stringify(named))
      for (const { reason } of named) assert.match(reason, /\w/)
    })
  }
}
