import { existsSync, readFileSync } from 'node:fs'
import { type Cut, cut, heal } from '../cut.ts'
import type { TestHost } from '../namespaces.ts'
import type { TestProcess } from '../processes.ts'

/** A machine of a trial: programs by name, which are killed, stopped and started again as often as it takes. */
export class Machine {
  readonly host: TestHost
  readonly #programs = new Map<string, { readonly start: () => TestProcess; process: TestProcess }>()

  constructor(host: TestHost) {
    this.host = host
  }

  /** Starts a program, and knows how to do it again. */
  run(name: string, start: () => TestProcess): TestProcess {
    const process = start()
    this.#programs.set(name, { start, process })
    return process
  }

  get names(): string[] {
    return [...this.#programs.keys()]
  }

  process(name: string): TestProcess {
    const program = this.#programs.get(name)
    if (program === undefined) throw new Error(`${name}: expected one of ${this.names.join(', ')}`)
    return program.process
  }

  /** SIGKILL to these programs and all that they started; by default to every one. Resolves when they are gone. */
  async kill(names: readonly string[] = this.names): Promise<void> {
    // Stopped first: none may see another one end, tidy up or say farewell.
    this.#signal(names, 'SIGSTOP')
    this.#signal(names, 'SIGKILL')
    await Promise.all(names.map((name) => this.process(name).exited()))
  }

  /** SIGKILL to these programs, and to what the supervisor has started, which itself lives. */
  async killSupervised(supervisor: string, names: readonly string[]): Promise<void> {
    const root = this.process(supervisor).pid
    const pids = withChildren(root).filter((pid) => pid !== root)
    // Stopped first: none may see another one end, tidy up or say farewell.
    this.#signal(names, 'SIGSTOP')
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) for (const pid of pids) signalOne(pid, signal)
    this.#signal(names, 'SIGKILL')
    await Promise.all(names.map((name) => this.process(name).exited()))
  }

  /** SIGSTOP: they stand still, and their kernel goes on taking connections for them. */
  freeze(names: readonly string[] = this.names): void {
    this.#signal(names, 'SIGSTOP')
  }

  thaw(names: readonly string[] = this.names): void {
    this.#signal(names, 'SIGCONT')
  }

  cut(which: Cut): void {
    cut(this.host, which)
  }

  heal(): void {
    heal(this.host)
  }

  /** Starts those of these programs that are gone. */
  restart(names: readonly string[] = this.names): void {
    for (const name of names) {
      if (this.process(name).running) continue
      const program = this.#programs.get(name)!
      program.process = program.start()
    }
  }

  /** Ends every fault: packets pass, what stood still goes on, what is gone is started again. */
  revive(): void {
    this.heal()
    this.thaw()
    this.restart()
  }

  /** The last lines of what each program wrote. */
  story(linesMax: number): string {
    return this.names
      .map((name) => {
        const lines = this.process(name).output.trimEnd().split('\n').slice(-linesMax)
        return `${name}:\n${lines.map((line) => `  ${line}`).join('\n')}`
      })
      .join('\n')
  }

  #signal(names: readonly string[], signal: NodeJS.Signals): void {
    const running = names.map((name) => this.process(name)).filter((process) => process.running)
    for (const pid of running.flatMap(({ pid: root }) => withChildren(root))) signalOne(pid, signal)
  }
}

function signalOne(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It ended meanwhile.
  }
}

function withChildren(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`
  const children = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
  return [pid, ...(children === '' ? [] : children.split(' ').map(Number).flatMap(withChildren))]
}
