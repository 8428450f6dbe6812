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

  constructor(t: Cleanup, host: TestHost, program: string, conf: string) {
    const folder = rootFolder(t)
    // Hooks run in the order in which they were registered. The main process killed alone may leave its child behind, which
    // holds the pipe that is waited for.
    t.after(() => this.kill())
    const pids = ['-p', join(folder, 'main.pid'), '-r', join(folder, 'vrrp.pid')]
    this.process = host.start(t, program, ['-n', '-l', '-D', '-P', '-f', conf, ...pids])
  }

  /** How often it has entered a state so far. */
  entered(state: 'MASTER' | 'BACKUP' | 'FAULT'): number {
    return this.process.output.split(`Entering ${state} STATE`).length - 1
  }

  /** As if the machine had lost it: neither of its processes can say farewell or tidy up. */
  async kill(): Promise<void> {
    const { pid } = this.process.child
    if (pid === undefined || !this.process.running) return
    // Stopped first: it would start its child again, or end it politely.
    process.kill(pid, 'SIGSTOP')
    for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL')
    await this.process.kill()
  }
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.split(' ').flatMap((each) => (each.trim() === '' ? [] : [Number(each)]))
}
