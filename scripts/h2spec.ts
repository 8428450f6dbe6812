// Runs h2spec, the conformance tests of HTTP/2, against a gateway: npm run h2spec. Needs Go, which builds it on first use.
// Fails when a test fails that is not listed in docs/reference/protocols.md, or when one listed passes.
import { execFile, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Gateway } from '@budao/gateway'
import { createSnapshot } from '@budao/model'
import { parseConfig } from '@budao/model/parser'

const known = knownFailures()
const backend = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.end('an answer long enough for tests of the flow control window'))
})
backend.listen(0, '127.0.0.1')
await once(backend, 'listening')
const parsed = parseConfig(
  JSON.stringify({
    version: 1,
    node: { name: 'h2spec', site: 'here' },
    sites: { here: {} },
    listeners: [
      // h2spec fills heads up to its own limit.
      {
        name: 'web',
        address: '127.0.0.1:0',
        protocol: 'http',
        protocols: ['h2', 'http/1.1'],
        limits: { headerBytes: 65_536 },
      },
    ],
    services: {
      all: { endpoints: [{ address: `127.0.0.1:${(backend.address() as AddressInfo).port}`, site: 'here' }] },
    },
    routes: [{ name: 'all', backends: [{ service: 'all' }] }],
  }),
  'h2spec',
)
if (!parsed.ok) throw new Error(JSON.stringify(parsed))
const gateway = new Gateway(parsed.config, {
  version: 'h2spec',
  baseDir: tmpdir(),
  report: () => {},
  warn: (message) => process.stderr.write(`${message}\n`),
})
await gateway.start(createSnapshot(parsed.config, 'h2spec', 0, Date.now()))
try {
  const port = gateway.addresses['web']!.split(':').at(-1)!
  const report = join(tmpdir(), `h2spec-${process.pid}.xml`)
  // It ends with an error where a test fails; what counts is its report.
  await promisify(execFile)(h2spec(), ['-h', '127.0.0.1', '-p', port, '-o', '3', '-j', report]).catch(
    () => {},
  )
  const cases = [
    ...readFileSync(report, 'utf8').matchAll(
      /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([^]*?)<\/testcase>)/g,
    ),
  ]
  const failed = cases
    .filter(([, , , inner]) => inner !== undefined && /<(?:failure|error)/.test(inner))
    .map(([, suite, name]) => `${suite!.split('/').at(-1)}: ${name}`)
  process.stdout.write(`${cases.length} tests, ${cases.length - failed.length} passed\n`)
  const surprises = failed.filter((name) => !known.includes(name)).map((name) => `fails: ${name}`)
  const better = known.filter((name) => !failed.includes(name)).map((name) => `passes now: ${name}`)
  for (const line of [...surprises, ...better]) process.stderr.write(`${line}\n`)
  if (cases.length === 0 || surprises.length + better.length > 0) process.exitCode = 1
} finally {
  await gateway.close()
  backend.close()
  backend.closeAllConnections()
}

function h2spec(): string {
  const folder = join(tmpdir(), 'budao-h2spec')
  const binary = join(folder, 'h2spec')
  if (!existsSync(binary)) {
    execFileSync('go', ['install', 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible'], {
      env: { ...process.env, GOBIN: folder },
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  return binary
}

function knownFailures(): string[] {
  const text = readFileSync(new URL('../docs/reference/protocols.md', import.meta.url), 'utf8')
  return [...text.matchAll(/^\| `(\d[^`]*)` \|/gm)].map(([, name]) => name!)
}
