import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cleanup } from './cleanup.ts'
import type { TestHost } from './namespaces.ts'
import type { TestProcess } from './processes.ts'

/**
 * A folder that belongs to root, as all above it do, and that everybody may enter: keepalived runs programs from no other. Gone after
 * the test.
 */
export function rootFolder(t: Cleanup): string {
  const folder = mkdtempSync('/run/budao-test-')
  chmodSync(folder, 0o755)
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** keepalived on a host of a test's network, in the foreground, with its log as output. */
export class TestKeepalived {
  readonly process: TestProcess
  readonly #folder: string

  constructor(t: Cleanup, host: TestHost, program: string, conf: string) {
    this.#folder = rootFolder(t)
    const pids = ['-p', join(this.#folder, 'main.pid'), '-r', join(this.#folder, 'vrrp.pid')]
    this.process = host.start(t, program, ['-n', '-l', '-D', '-P', '-f', conf, ...pids])
    // Registered last, run before the folder with its pid is gone: killed alone, the main process would leave its child behind.
    t.after(() => this.kill())
  }

  /** How often it has entered a state so far. */
  entered(state: 'MASTER' | 'BACKUP' | 'FAULT'): number {
    return this.process.output.split(`Entering ${state} STATE`).length - 1
  }

  /** As if the machine had lost it: neither of its processes can say farewell or tidy up. */
  async kill(): Promise<void> {
    if (!this.process.running) return
    // Stopped first: it would start its child again, or end it politely.
    process.kill(this.process.pid, 'SIGSTOP')
    const child = Number(readPid(join(this.#folder, 'vrrp.pid')))
    if (child > 0) process.kill(child, 'SIGKILL')
    await this.process.kill()
  }
}

function readPid(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Not yet written: there is no child yet.
    return '0'
  }
}
