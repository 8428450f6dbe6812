import { spawnSync } from 'node:child_process'
import {
  accessSync,
  closeSync,
  constants,
  globSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/** Servers live in sbin, which is not on the path of every user. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']

/** apt-get by another process, an image's first update, a slow mirror: together never longer than this. */
const installMsMax = 180_000

/**
 * The path of a real server's program: found, or installed with apt-get when this process may do that.
 * Otherwise the test is skipped with the reason and undefined is returned; with `CI=true` it fails instead.
 *
 * @param packageName the Debian package, e.g. `haproxy`
 * @param binary the program in it, e.g. `haproxy`, or a pattern with slashes for another file of it
 */
export async function requireDebian(
  t: TestContext,
  packageName: string,
  binary: string = packageName,
): Promise<string | undefined> {
  const result = await findOrInstall(packageName, binary)
  if (result.kind === 'found') return result.path
  const reason = `${binary} is needed: ${result.reason}`
  if (process.env['CI'] === 'true') throw new Error(`${reason} (with CI=true a skip is a failure)`)
  t.skip(reason)
  return undefined
}

/** What {@link requireDebian} does, for scripts that are no test. Waits at most three minutes. */
export async function findOrInstall(
  packageName: string,
  binary: string = packageName,
): Promise<{ kind: 'found'; path: string } | { kind: 'missing'; reason: string }> {
  const found = findBinary(binary)
  if (found !== undefined) return { kind: 'found', path: found }
  if (findBinary('apt-get') === undefined)
    return { kind: 'missing', reason: 'not installed, and there is no apt-get' }
  if (process.getuid?.() !== 0) {
    return { kind: 'missing', reason: `not installed; as root, apt-get install ${packageName} gets it` }
  }
  return await withLock(join(tmpdir(), 'budao-apt.lock'), () => {
    const meanwhile = findBinary(binary)
    if (meanwhile !== undefined) return { kind: 'found', path: meanwhile }
    // The lists of a fresh image are empty or older than the archive: install once, and again after an update.
    const first = aptGet('install', '-y', '--no-install-recommends', packageName)
    const problem =
      first === '' ? '' : aptGet('update') || aptGet('install', '-y', '--no-install-recommends', packageName)
    const path = findBinary(binary)
    if (path !== undefined) return { kind: 'found', path }
    return { kind: 'missing', reason: problem || `the package ${packageName} has no program ${binary}` }
  })
}

/** Full path of a program on the path or in an sbin folder; of a file that is given as a pattern with slashes, the first that is there. */
export function findBinary(binary: string): string | undefined {
  if (binary.includes('/')) return globSync(binary)[0]
  for (const folder of folders) {
    const path = join(folder, binary)
    try {
      accessSync(path, constants.X_OK)
      if (statSync(path).isFile()) return path
    } catch {
      // Not there, or not for us: the next folder may have it.
    }
  }
  return undefined
}

/** Runs apt-get; returns what went wrong in one line, empty when nothing did. */
function aptGet(...args: string[]): string {
  const run = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    encoding: 'utf8',
    timeout: installMsMax,
    // A server that its package starts by itself would sit on the ports of this machine.
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (run.status === 0) return ''
  const lastLine = (run.stderr || run.stdout || run.error?.message || '').trim().split('\n').at(-1) ?? ''
  return `apt-get ${args[0]} failed: ${lastLine}`
}

/** One process at a time; a lock whose holder has died is taken over. */
async function withLock<T>(path: string, work: () => T): Promise<T> {
  const until = performance.now() + installMsMax
  for (;;) {
    try {
      const file = openSync(path, 'wx')
      writeSync(file, String(process.pid))
      closeSync(file)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (performance.now() > until) {
        throw new Error(`${path} is held for more than ${installMsMax} ms`, { cause: error })
      }
      if (holderIsGone(path)) rmSync(path, { force: true })
      else await sleep(100)
    }
  }
  try {
    return work()
  } finally {
    rmSync(path, { force: true })
  }
}

function holderIsGone(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    // Empty: created, not yet written; its writer is alive.
    if (pid === 0) return false
    process.kill(pid, 0)
    return false
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ESRCH' || code === 'ENOENT'
  }
}
