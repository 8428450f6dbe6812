import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cleanup } from './cleanup.ts'

/** A bound, not an expectation: on a machine that does much else a process may take half a minute to start. */
const waitMsMax = 60_000

/** What nobody sends: the process itself went wrong. */
const crashes: readonly (NodeJS.Signals | null)[] = ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGILL']
/** The last of its output, characters: a backtrace is in it. */
const crashOutputMax = 8_000

/**
 * A process of a test's own. It is killed when the test ends, whatever state it is in. One that crashes is told on standard error:
 * what fails then fails for another reason, often a time that has passed.
 */
export class TestProcess {
  readonly name: string
  readonly child: ChildProcess
  /** Everything it wrote so far, standard output and error in the order of arrival. */
  output = ''
  readonly #exited: Promise<number>
  #watchers = new Set<() => void>()

  constructor(name: string, child: ChildProcess) {
    this.name = name
    this.child = child
    const take = (chunk: string): void => {
      this.output += chunk
      for (const watcher of this.#watchers) watcher()
    }
    child.stdout?.setEncoding('utf8').on('data', take)
    child.stderr?.setEncoding('utf8').on('data', take)
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        take(`${error.message}\n`)
        resolve(127)
      })
      child.once('close', (code, signal) => {
        if (crashes.includes(signal))
          console.error(`${name} was ended by ${signal}:\n${this.output.slice(-crashOutputMax)}`)
        resolve(code ?? (signal === 'SIGKILL' ? 137 : 143))
        for (const watcher of this.#watchers) watcher()
      })
    })
  }

  get running(): boolean {
    return this.child.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null
  }

  /** Its id. Throws when it could not be started. */
  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`${this.name} could not be started: ${this.output}`)
    return this.child.pid
  }

  /** The exit code once it has ended; 137 after SIGKILL, 143 after another signal, 127 when it never started. */
  exited(): Promise<number> {
    return this.#exited
  }

  /** The first match in its output, waiting for it. Rejects when the process ends or `timeoutMs` pass without one. */
  async waitForOutput(pattern: RegExp, timeoutMs: number = waitMsMax): Promise<RegExpExecArray> {
    const until = performance.now() + timeoutMs
    for (;;) {
      const match = pattern.exec(this.output)
      if (match !== null) return match
      if (!this.running) throw new Error(`${this.name} ended before it wrote ${pattern}:\n${this.output}`)
      const leftMs = until - performance.now()
      if (leftMs <= 0) {
        throw new Error(`${this.name} did not write ${pattern} within ${timeoutMs} ms:\n${this.output}`)
      }
      await this.#change(leftMs)
    }
  }

  /** Resolves once something accepts connections on that port of 127.0.0.1. Rejects like `waitForOutput`. */
  async waitForPort(port: number, timeoutMs: number = waitMsMax): Promise<void> {
    const until = performance.now() + timeoutMs
    while (!(await accepts(port))) {
      if (!this.running) throw new Error(`${this.name} ended before port ${port} was open:\n${this.output}`)
      if (performance.now() > until) {
        throw new Error(`${this.name} did not open port ${port} within ${timeoutMs} ms:\n${this.output}`)
      }
      await sleep(20)
    }
  }

  /** SIGKILL: no handler runs, nothing is flushed. Resolves once it is gone. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#exited
  }

  /** Sends the signal and waits for the end; SIGKILL after `timeoutMs`. Returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', timeoutMs: number = waitMsMax): Promise<number> {
    this.child.kill(signal)
    const timer = setTimeout(() => this.child.kill('SIGKILL'), timeoutMs)
    const code = await this.#exited
    clearTimeout(timer)
    return code
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(done)
        resolve()
      }
      const timer = setTimeout(done, timeoutMs)
      this.#watchers.add(done)
    })
  }
}

/** Starts a program that ends with the test. Its output is kept, and read while it runs. */
export function startProcess(
  t: Cleanup,
  command: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
): TestProcess {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const started = new TestProcess(`${command} ${args.join(' ')}`, child)
  t.after(() => started.kill())
  return started
}

/** Starts a module of this workspace on the Node and the conditions that run the test. */
export function startNode(
  t: Cleanup,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
): TestProcess {
  return startProcess(t, process.execPath, ['--conditions=@budao/source', ...args], options)
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
