import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinary, TestProcess } from '@budao/testkit'
import { processTree } from './process-tree.ts'

const stopMsMax = 5_000

export interface StartOptions {
  /** The only CPU it may use; absent: wherever the kernel likes. */
  readonly core?: number | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/**
 * What a bench puts on this machine: a temp folder and processes. All of it is gone when the bench ends,
 * fails or is interrupted.
 */
export class Stage implements AsyncDisposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'budao-bench-'))
  readonly #running = new Set<TestProcess>()
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    void this.#leave(signal === 'SIGINT' ? 130 : 143)
  }
  readonly #lastResort = (): void => {
    for (const started of this.#running) killAll(processTree(started.child.pid ?? 0))
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
  #leaving = false

  constructor() {
    process.on('SIGINT', this.#interrupted)
    process.on('SIGTERM', this.#interrupted)
    process.on('exit', this.#lastResort)
  }

  /** From here on whoever runs hears Ctrl-C and SIGTERM by himself: he has more to end than is known here. */
  leaveSignals(): void {
    process.off('SIGINT', this.#interrupted)
    process.off('SIGTERM', this.#interrupted)
  }

  start(name: string, command: string, args: readonly string[], options: StartOptions = {}): TestProcess {
    const pinned = options.core === undefined ? [] : [taskset(), '-c', String(options.core)]
    const [program, ...rest] = [...pinned, command, ...args]
    const child = spawn(program!, rest, {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const started = new TestProcess(name, child)
    this.#running.add(started)
    void started.exited().then(() => this.#running.delete(started))
    return started
  }

  /** Starts a module of this workspace on the Node that runs the bench. */
  startNode(name: string, args: readonly string[], options: StartOptions = {}): TestProcess {
    return this.start(name, process.execPath, ['--conditions=@budao/source', ...args], options)
  }

  /** Ends it with SIGTERM, after five seconds with SIGKILL, and whatever children it left behind. */
  async stop(started: TestProcess): Promise<void> {
    const pids = processTree(started.child.pid ?? 0)
    if (started.running) {
      // A stopped process cannot act on SIGTERM.
      started.child.kill('SIGCONT')
      await started.stop('SIGTERM', stopMsMax)
    }
    killAll(pids)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running].map((started) => this.stop(started)))
    process.off('SIGINT', this.#interrupted)
    process.off('SIGTERM', this.#interrupted)
    process.off('exit', this.#lastResort)
    this.#lastResort()
  }

  async #leave(code: number): Promise<void> {
    // The second Ctrl-C does not wait for anybody.
    if (this.#leaving) process.exit(code)
    this.#leaving = true
    await Promise.all([...this.#running].map((started) => this.stop(started)))
    process.exit(code)
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Gone already: what was wanted.
    }
  }
}

function taskset(): string {
  const path = findBinary('taskset')
  if (path === undefined) throw new Error('taskset is needed to pin processes; the package util-linux has it')
  return path
}
