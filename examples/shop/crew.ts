import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One process of the demo. */
export interface Role {
  readonly name: string
  /** Roles of one crew are noted in the file `CREW.pids`. */
  readonly crew: string
  /** Arguments of Node. */
  readonly args: readonly string[]
}

export interface CrewOptions {
  /** For pid files and the processes' output. */
  readonly runDir: string
  /** From the death of a process until it is started again, milliseconds. */
  readonly restartAfterMs: number
  /** How long a process may take to end after SIGTERM. Default 4000. */
  readonly patienceMs?: number
  /** Told in one line what happened to a process. */
  readonly say: (line: string) => void
}

const leash = join(import.meta.dirname, 'on-leash.ts')

/** The processes the demo has started: brings back those that die, ends them all. Touches no others. */
export class Crew {
  readonly #options: CrewOptions
  readonly #roles: Role[] = []
  readonly #children = new Map<string, ChildProcess>()
  readonly #restarts = new Set<NodeJS.Timeout>()
  #stopping = false

  constructor(options: CrewOptions) {
    this.#options = options
    mkdirSync(options.runDir, { recursive: true })
  }

  /** Does nothing once `stop` was called. */
  start(role: Role): void {
    if (this.#stopping) return
    this.#roles.push(role)
    // What it wrote in an earlier life of the demo explains nothing in this one.
    rmSync(this.#logFile(role.name), { force: true })
    this.#spawn(role)
  }

  isRunning(name: string): boolean {
    return this.#children.has(name)
  }

  all(crew: string): number {
    return this.#roles.filter((role) => role.crew === crew).length
  }

  running(crew: string): number {
    return this.#roles.filter((role) => role.crew === crew && this.#children.has(role.name)).length
  }

  /** The end of what a process wrote. */
  tail(name: string): string {
    return readFileSync(this.#logFile(name), 'utf8').trimEnd().split('\n').slice(-20).join('\n')
  }

  /** Ends the processes of these crews, SIGKILL for those that take too long, and forgets their pid files. */
  async stop(...crews: string[]): Promise<void> {
    this.#stopping = true
    for (const timer of this.#restarts) clearTimeout(timer)
    const roles = this.#roles.filter(({ crew }) => crews.includes(crew))
    await Promise.all(roles.map(async ({ name }) => this.#end(name)))
    for (const crew of crews) rmSync(this.#pidFile(crew), { force: true })
  }

  async #end(name: string): Promise<void> {
    const child = this.#children.get(name)
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), this.#options.patienceMs ?? 4_000)
    await ended
    clearTimeout(timer)
  }

  #spawn(role: Role): void {
    const log = openSync(this.#logFile(role.name), 'a')
    const child = spawn(process.execPath, ['--import', leash, ...role.args], {
      // A group of its own: Ctrl-C reaches the demo alone, which then ends them in order. The channel is the leash.
      detached: true,
      stdio: ['ignore', log, log, 'ipc'],
    })
    closeSync(log)
    this.#children.set(role.name, child)
    child.once('error', (error) => {
      this.#children.delete(role.name)
      this.#options.say(`${role.name} could not be started: ${error.message}`)
    })
    child.once('exit', (code, signal) => this.#ended(role, signal ?? `exit code ${code}`))
    this.#notePids(role.crew)
  }

  #ended(role: Role, how: string): void {
    this.#children.delete(role.name)
    if (this.#stopping) return
    this.#notePids(role.crew)
    const { restartAfterMs, say } = this.#options
    say(`${role.name} has died (${how}); it starts again in ${restartAfterMs / 1000} s`)
    const timer = setTimeout(() => {
      this.#restarts.delete(timer)
      this.#spawn(role)
      say(`${role.name} has started again`)
    }, restartAfterMs)
    this.#restarts.add(timer)
  }

  /** Renamed into place: a reader sees the old list or the new one, never half of it. */
  #notePids(crew: string): void {
    const lines = this.#roles
      .filter((role) => role.crew === crew && this.#children.has(role.name))
      .map((role) => `${this.#children.get(role.name)!.pid} ${role.name}\n`)
    const file = this.#pidFile(crew)
    writeFileSync(`${file}.new`, lines.join(''))
    renameSync(`${file}.new`, file)
  }

  #pidFile(crew: string): string {
    return join(this.#options.runDir, `${crew}.pids`)
  }

  #logFile(name: string): string {
    return join(this.#options.runDir, `${name}.log`)
  }
}
