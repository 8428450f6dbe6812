/**
 * The mini program in a browser:
 * `node examples/shop-miniprogram/browser/serve.ts --port 8082 --gateway http://127.0.0.1:8080 --gateway http://127.0.0.1:8081`
 */
import { createPublicKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { build } from 'esbuild'
import { buildProgram, type BuiltProgram } from './program-builder.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8082' },
    gateway: { type: 'string', multiple: true, default: ['http://127.0.0.1:8080', 'http://127.0.0.1:8081'] },
    /** PEM of the key that signs the order of channels. */
    'channel-key': { type: 'string' },
    /** Shown to the reader: how a site and its gateway are killed. */
    'run-dir': { type: 'string', default: 'data/shop/run' },
  },
})
const gateways = values.gateway
const sharedMs = 1_000
let building: Promise<BuiltProgram> | undefined
let builtAt = -Infinity
const pageDir = join(import.meta.dirname, 'page')
const keyFile = values['channel-key']
const program = {
  root: join(import.meta.dirname, '../miniprogram'),
  gateways,
  ...(keyFile === undefined
    ? {}
    : { channelKey: createPublicKey(await readFile(keyFile)).export({ format: 'jwk' }) }),
}

interface Page {
  readonly type: string
  readonly text: () => Promise<string>
}

const pages: Readonly<Record<string, Page>> = {
  '/': { type: 'text/html', text: deskPage },
  '/phone': { type: 'text/html', text: () => readFile(join(pageDir, 'phone.html'), 'utf8') },
  '/phone.css': { type: 'text/css', text: () => readFile(join(pageDir, 'phone.css'), 'utf8') },
  '/desk.css': { type: 'text/css', text: () => readFile(join(pageDir, 'desk.css'), 'utf8') },
  '/desk.js': { type: 'text/javascript', text: () => scriptOf('runtime/desk.ts') },
  '/kept-package.js': { type: 'text/javascript', text: () => scriptOf('runtime/kept-package.ts') },
  '/program.js': { type: 'text/javascript', text: async () => (await built()).script },
  '/program.css': { type: 'text/css', text: async () => (await built()).styles },
  '/healthz': { type: 'application/json', text: () => Promise.resolve('{"state":"serving"}') },
}

/** No `eval`, and no host but the gateways: what a phone does not allow, this does not either. */
const policy = [
  "default-src 'self'",
  `connect-src 'self' ${gateways.join(' ')}`,
  "img-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
].join('; ')

const server = createServer((request, response) => {
  const page = pages[(request.url ?? '').replace(/\?.*$/, '')]
  if (page === undefined) return void response.writeHead(404).end('Nothing is here.')
  page.text().then(
    (text) =>
      response
        .writeHead(200, {
          'Content-Type': `${page.type}; charset=utf-8`,
          'Cache-Control': 'no-cache',
          'Content-Security-Policy': policy,
        })
        .end(text),
    (error: unknown) => {
      console.error(error)
      response.writeHead(500, { 'Content-Type': 'text/plain; charset=utf-8' }).end(String(error))
    },
  )
})
server.on('error', (error) => {
  console.error(`miniprogram: ${error.message}`)
  process.exit(1)
})
server.listen(Number(values.port), '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.log(`miniprogram serves on 127.0.0.1:${port}`)
})
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.on(signal, () => {
    server.close(() => process.exit(0))
    server.closeAllConnections()
  })

/** Built anew for whoever loads the page: an edit shows at the next reload. Its two files are one build. */
function built(): Promise<BuiltProgram> {
  const now = performance.now()
  if (now - builtAt > sharedMs) {
    building = buildProgram(program)
    builtAt = now
  }
  return building!
}

async function deskPage(): Promise<string> {
  const text = await readFile(join(pageDir, 'desk.html'), 'utf8')
  return text
    .replaceAll('RUN_DIR', values['run-dir'])
    .replace('GATEWAYS', JSON.stringify(gateways).replaceAll('"', '&quot;'))
}

async function scriptOf(file: string): Promise<string> {
  const entry = join(import.meta.dirname, file)
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
  })
  return result.outputFiles[0]!.text
}
