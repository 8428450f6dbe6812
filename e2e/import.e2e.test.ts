import { strict as assert } from 'node:assert'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { rawServer, startNode, tempDir } from '@budao/testkit'

const program = fileURLToPath(new URL('../packages/budao/src/main.ts', import.meta.url))

const head = `version: 1
node: { name: gw-1, site: east }
sites: { east: {} }
admin: { address: 127.0.0.1:0 }
`

async function backend(t: TestContext, body: string): Promise<string> {
  const server = await rawServer(t, ({ connection }) =>
    connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`),
  )
  return `127.0.0.1:${server.port}`
}

/** What the address answers, once it is that. */
async function answers(url: string, expected: string): Promise<void> {
  const end = performance.now() + 20_000
  for (;;) {
    const body = await fetch(url).then(
      (response) => response.text(),
      (error: unknown) => String(error),
    )
    if (body === expected) return
    assert.ok(performance.now() < end, `waited in vain for ${expected}, got ${body}`)
    await pause(50)
  }
}

test('budao up serves what a file of nginx beside the configuration says, and follows its changes', async (t) => {
  const [first, second] = [await backend(t, 'first'), await backend(t, 'second')]
  const dir = tempDir(t)
  const file = join(dir, 'budao.yaml')
  const beside = join(dir, 'nginx.conf')
  const nginx = (address: string): string =>
    `upstream shop { server ${address}; } server { listen 127.0.0.1:1; location / { proxy_pass http://shop; gzip on; } }`
  writeFileSync(
    file,
    `${head}listeners: [{ name: http-1, address: 127.0.0.1:0, protocol: http }]
`,
  )
  writeFileSync(beside, nginx(first))
  const process = startNode(t, [program, 'up', '-c', file, '-f', `nginx:${beside}`])
  const [, url] = await process.waitForOutput(/http-1 {2}(http:\S+)/)
  await process.waitForOutput(/serves snapshot/)
  assert.match(process.output, /nginx\.conf:1: lost: gzip on: answers are not compressed/)
  await answers(url!, 'first')
  writeFileSync(beside, nginx(second))
  await answers(url!, 'second')
  // A file that is broken is refused whole, and the old one goes on.
  writeFileSync(beside, 'server {')
  await process.waitForOutput(/expected a directive or/)
  await answers(url!, 'second')
})

test('budao up serves a VirtualService beside the configuration, which says where the releases are; 100/0 is the way back', async (t) => {
  const [stable, canary] = [await backend(t, 'v1'), await backend(t, 'v2')]
  const dir = tempDir(t)
  const file = join(dir, 'budao.yaml')
  const beside = join(dir, 'virtual-service.yaml')
  const manifest = (v1: number, v2: number): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: shop }
spec:
  hosts: ["*"]
  http:
  - route:
    - { destination: { host: shop, subset: v1 }, weight: ${v1} }
    - { destination: { host: shop, subset: v2 }, weight: ${v2} }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: shop }
spec:
  host: shop
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`
  writeFileSync(
    file,
    `${head}listeners: [{ name: web, address: 127.0.0.1:0, protocol: http }]
services:
  shop:
    endpoints:
      - { address: "${stable}", site: east, release: v1 }
      - { address: "${canary}", site: east, release: v2 }
`,
  )
  writeFileSync(beside, manifest(0, 100))
  const process = startNode(t, [program, 'up', '-c', file, '-f', beside])
  const [, url] = await process.waitForOutput(/web {2}(http:\S+)/)
  await process.waitForOutput(/serves snapshot/)
  await answers(url!, 'v2')
  assert.doesNotMatch(process.output, /virtual-service\.yaml:\d+: lost/)
  writeFileSync(beside, manifest(100, 0))
  await answers(url!, 'v1')
  // Weights that are nothing together are refused with their line, and the last good file goes on.
  writeFileSync(beside, manifest(0, 0))
  await process.waitForOutput(/virtual-service\.yaml:7: route: expected weights above 0 together, found 0/)
  await answers(url!, 'v1')
})
