// npm run verify:pack: what a user gets from the registry, tried before it is there. Packs every public package,
// installs each tarball in an empty folder, imports every entry, and runs the command from the installed files.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { freePort } from '../packages/testkit/src/ports.ts'
import { publicPackages } from './packages.ts'
import type { Manifest } from './packages.ts'
import { packageName } from './source-tree.ts'

// The pinned Node before any other, as a user with that Node has it; none of the workspace's programs.
const { NODE_OPTIONS: _, ...inherited } = process.env
const env = {
  ...inherited,
  PATH: [dirname(process.execPath), ...(process.env['PATH'] ?? '').split(delimiter)]
    .filter((folder) => !folder.includes('node_modules/.bin') && !folder.includes('node-gyp-bin'))
    .join(delimiter),
}

const work = mkdtempSync(join(tmpdir(), 'budao-pack-'))
try {
  await verify()
} finally {
  rmSync(work, { recursive: true, force: true })
}

async function verify(): Promise<void> {
  run('npm', ['run', '--silent', 'build'], process.cwd())
  const tarballs = pack()
  for (const { manifest } of publicPackages) {
    // A folder each: together, one package's dependencies would hide that another forgot to declare them.
    const dir = install(manifest.name, tarballs)
    const entries = importEntries(dir, manifest)
    checkDeclarations(dir, manifest)
    console.log(`${manifest.name} ${manifest.version}: ${entries.join(', ')}`)
    if (manifest.bin !== undefined) await tryCommand(dir, manifest)
  }
}

/** Where each package's tarball is, by name. */
function pack(): ReadonlyMap<string, string> {
  const workspaces = publicPackages.flatMap(({ dir }) => ['-w', dir])
  const output = run(
    'npm',
    ['pack', '--json', '--ignore-scripts', '--pack-destination', work, ...workspaces],
    process.cwd(),
  )
  const parsed = JSON.parse(output) as PackedList | Record<string, PackedList[number]>
  const packed = Array.isArray(parsed) ? parsed : Object.values(parsed)
  for (const { name, files } of packed) {
    const stray = files.find(({ path }) => /\.test\.|tsbuildinfo|(^|\/)src\//.test(path))
    if (stray !== undefined) throw new Error(`${name} would publish ${stray.path}`)
  }
  return new Map(
    packed.map(({ name, filename }) => [name, join(work, filename.replace('@', '').replace('/', '-'))]),
  )
}

type PackedList = { name: string; filename: string; files: { path: string }[] }[]

/** A new folder with this package and what it declares: our other packages from their tarballs. */
function install(name: string, tarballs: ReadonlyMap<string, string>): string {
  const dir = join(work, 'use', name.replace('/', '-'))
  mkdirSync(dir, { recursive: true })
  const ours = Object.fromEntries([...tarballs].map(([key, tarball]) => [key, `file:${tarball}`]))
  const { [name]: self, ...siblings } = ours
  writeFileSync(
    join(dir, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: { [name]: self }, overrides: siblings }),
  )
  run(
    'npm',
    ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--loglevel=error'],
    dir,
  )
  return dir
}

/** Imports every entry of `exports` under plain conditions. Returns their names. */
function importEntries(dir: string, { name, exports = {} }: Manifest): string[] {
  const entries = Object.keys(exports)
  if (entries.length === 0) throw new Error(`${name} exports nothing`)
  for (const entry of entries) {
    const target = exports[entry]!
    if (typeof target === 'string') {
      if (existsSync(join(dir, 'node_modules', name, target))) continue
      throw new Error(`${name}: ${entry} names ${target}, which was not packed`)
    }
    const { types } = target
    const declaration = join(dir, 'node_modules', name, types ?? '')
    if (types === undefined || !existsSync(declaration)) {
      throw new Error(`${name}: the declarations of ${entry} are missing: ${types ?? 'no types condition'}`)
    }
    const specifier = name + entry.slice(1)
    const script = `const m = await import(${JSON.stringify(specifier)}); console.log(Object.keys(m).length)`
    run(process.execPath, ['--input-type=module', '-e', script], dir)
  }
  return entries
}

/** A declaration that imports what is not declared makes `any` of it at the user's, without a word. */
function checkDeclarations(dir: string, { name, dependencies = {} }: Manifest): void {
  const installed = join(dir, 'node_modules', name)
  for (const file of globSync('**/*.d.{ts,cts}', { cwd: installed, exclude: ['node_modules/**'] }))
    for (const [, specifier] of readFileSync(join(installed, file), 'utf8').matchAll(
      /(?:from|import\() ?'([^'.][^']*)'/g,
    )) {
      const wanted = packageName(specifier!)
      if (wanted !== undefined && wanted !== name && !(wanted in dependencies))
        throw new Error(`${name}: ${file} imports ${wanted}, which is not declared`)
    }
}

async function tryCommand(dir: string, { version, bin = {} }: Manifest): Promise<void> {
  const [command] = Object.keys(bin)
  const budao = (...args: string[]): string => run('npx', ['--no-install', command!, ...args], dir)
  const printed = budao('--version').trim()
  if (printed !== version) throw new Error(`budao --version: expected ${version}, got ${printed}`)

  const backend = createServer((_request, response) => response.end('answered'))
  backend.listen(0, '127.0.0.1')
  await once(backend, 'listening')
  try {
    const port = await freePort()
    const adminPort = await freePort()
    const config = sampleConfig(port, adminPort, (backend.address() as AddressInfo).port)
    writeFileSync(join(dir, 'budao.yaml'), config)
    budao('check', '-c', 'budao.yaml')
    writeFileSync(join(dir, 'wrong.yaml'), config.replace('endpoints', 'endponts'))
    const refused = spawnSync('npx', ['--no-install', command!, 'check', '-c', 'wrong.yaml'], {
      cwd: dir,
      env,
    })
    if (refused.status !== 1)
      throw new Error(`budao check on a wrong file: expected exit 1, got ${refused.status}`)
    await tryGateway(join(dir, 'node_modules', 'budao', bin[command!]!), dir, port, adminPort)
  } finally {
    backend.closeAllConnections()
    backend.close()
  }
}

/** One request through the installed gateway, its console, and a clean end: worker threads and pages were packed too. */
async function tryGateway(main: string, dir: string, port: number, adminPort: number): Promise<void> {
  const gateway = spawn(process.execPath, [main, 'up', '-c', 'budao.yaml'], { cwd: dir, env, stdio: 'pipe' })
  let output = ''
  for (const stream of [gateway.stdout, gateway.stderr]) {
    stream.on('data', (chunk) => {
      output += String(chunk)
    })
  }
  const exited = once(gateway, 'exit') as Promise<[number | null]>
  try {
    const until = Date.now() + 15_000
    while (!/serves snapshot/.test(output)) {
      if (gateway.exitCode !== null) throw new Error(`budao up ended with ${gateway.exitCode}\n${output}`)
      if (Date.now() > until) throw new Error(`budao up does not say that it serves:\n${output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const answer = await read(`http://127.0.0.1:${port}/`)
    if (answer !== 'answered') throw new Error(`expected the backend's answer, got ${answer}\n${output}`)
    const page = await read(`http://127.0.0.1:${adminPort}/`)
    const assets = [...page.matchAll(/(?:src|href)="\/?([^":]+\.(?:js|css))"/g)].map(([, path]) => path!)
    if (assets.length === 0) throw new Error(`expected the console's page with its assets, got ${page}`)
    for (const path of assets) await read(`http://127.0.0.1:${adminPort}/${path}`)

    gateway.kill('SIGTERM')
    const [code] = await exited
    if (code !== 0) throw new Error(`budao up after SIGTERM: expected exit 0, got ${code}\n${output}`)
  } finally {
    gateway.kill('SIGKILL')
  }
}

async function read(url: string): Promise<string> {
  const response = await fetch(url)
  const body = await response.text()
  if (!response.ok) throw new Error(`GET ${url}: expected 200, got ${response.status} ${body}`)
  return body
}

function sampleConfig(port: number, adminPort: number, backendPort: number): string {
  return `version: 1
node: { name: gw-1, site: east }
dataDir: ./data
sites:
  east: {}
admin: { address: 127.0.0.1:${adminPort} }
listeners:
  - { name: web, address: 127.0.0.1:${port}, protocol: http }
services:
  shop:
    mode: active-active
    endpoints:
      - { address: 127.0.0.1:${backendPort}, site: east }
routes:
  - name: all
    hosts: ["*"]
    match: [{ path: { prefix: / } }]
    backends: [{ service: shop, weight: 100 }]
`
}

/** Standard output of a program that must succeed. */
function run(command: string, args: readonly string[], cwd: string): string {
  const inside = cwd === process.cwd()
  const result = spawnSync(command, args, {
    cwd,
    env: inside ? process.env : env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 180_000,
    maxBuffer: 64 * 1024 * 1024,
  })
  if (result.status === 0) return result.stdout
  const said = result.error?.message ?? `${result.stdout}${result.stderr}`
  throw new Error(
    `${command} ${args.join(' ')} failed (${result.status ?? result.signal}) in ${cwd}:\n${said}`,
  )
}
