import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { findBinary } from './debian.ts'
import { freePort } from './ports.ts'
import { startProcess, type TestProcess } from './processes.ts'
import { tempDir } from './temp-dir.ts'
import { TestCa } from './test-ca.ts'

const VERSION = 'v2.10.3'
/** Sources by Go's module proxy, and a compilation. */
const buildMsMax = 300_000

/** An ACME directory by the makers of Let's Encrypt that asks real challenges, on 127.0.0.1. */
export interface Pebble {
  readonly directory: string
  /** Authority of its own certificate, PEM. */
  readonly ca: string
  readonly process: TestProcess
}

/**
 * Pebble, built once by `go install` into the folder for temporary files. It asks http-01 at `httpPort` of 127.0.0.1. Undefined where it
 * cannot be had: the test is then skipped, or fails with `CI=true`.
 */
export async function startPebble(
  t: TestContext,
  httpPort: number,
  port: number,
): Promise<Pebble | undefined> {
  const built = buildPebble()
  if ('reason' in built) {
    const reason = `pebble is needed: ${built.reason}`
    if (process.env['CI'] === 'true') throw new Error(`${reason} (with CI=true a skip is a failure)`)
    t.skip(reason)
    return undefined
  }
  const dir = tempDir(t)
  const ca = new TestCa('Pebble TLS')
  const { cert, key } = ca.issue({ names: ['localhost', '127.0.0.1'] })
  writeFileSync(join(dir, 'pebble.crt'), cert)
  writeFileSync(join(dir, 'pebble.key'), key)
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${await freePort()}`,
    certificate: join(dir, 'pebble.crt'),
    privateKey: join(dir, 'pebble.key'),
    httpPort,
    tlsPort: httpPort,
    profiles: { default: { description: 'for tests', validityPeriod: 7_776_000 } },
  }
  writeFileSync(join(dir, 'pebble.json'), JSON.stringify({ pebble }))
  const server = startProcess(t, built.path, ['-config', join(dir, 'pebble.json')], {
    cwd: dir,
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_VA_ALWAYS_VALID: '0' },
  })
  await server.waitForPort(port)
  return { directory: `https://localhost:${port}/dir`, ca: ca.cert, process: server }
}

function buildPebble(): { readonly path: string } | { readonly reason: string } {
  const folder = join(tmpdir(), `budao-pebble-${VERSION}`)
  const path = join(folder, 'pebble')
  if (existsSync(path)) return { path }
  const go = findBinary('go') ?? (existsSync('/usr/local/go/bin/go') ? '/usr/local/go/bin/go' : undefined)
  if (go === undefined) return { reason: 'there is no go to build it with' }
  // Aside, and then in place as a whole: another test may be building it too.
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  const run = spawnSync(go, ['install', `github.com/letsencrypt/pebble/v2/cmd/pebble@${VERSION}`], {
    encoding: 'utf8',
    timeout: buildMsMax,
    env: { ...process.env, GOBIN: draft, GOFLAGS: '-mod=mod' },
  })
  try {
    if (run.status !== 0) {
      const lastLine = (run.stderr ?? run.error?.message ?? '').trim().split('\n').at(-1) ?? ''
      return { reason: `go install failed: ${lastLine}` }
    }
    mkdirSync(folder, { recursive: true })
    renameSync(join(draft, 'pebble'), path)
    chmodSync(path, 0o755)
    return { path }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
