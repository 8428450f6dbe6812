import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startVariable } from '@budao/model'
import type { ProcessConfig } from '@budao/model'
import type { ProbeSurroundings } from './health-probe.ts'
import { OutputFile } from './output-file.ts'
import { lookUp } from './process-table.ts'

/** Where processes are started from. */
export interface LaunchPlace {
  /** Folder of the configuration file. */
  readonly baseDir: string
  /** Folder of what they write. */
  readonly folder: string
}

/** Told once, at the end or in place of a start. */
export interface LaunchListener {
  exited(code: number | null, signal: string | null): void
  failed(why: string): void
}

/** How often an adopted process is looked for: nobody but its parent is told of its end. */
const lookEveryMs = 100

/** Variables that are meant for the agent alone: what systemd told it, and what opens its own doors. */
const own = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID', 'BUDAO_TOKEN']

/** One life of a process, started from here or found running. */
export class Launch {
  readonly pid: number
  readonly identity: string
  readonly surroundings: ProbeSurroundings
  readonly #output: OutputFile | null
  #watch: NodeJS.Timeout | undefined

  private constructor(
    pid: number,
    identity: string,
    surroundings: ProbeSurroundings,
    output: OutputFile | null,
  ) {
    this.pid = pid
    this.identity = identity
    this.surroundings = surroundings
    this.#output = output
  }

  /**
   * Starts it as the leader of a session and group of its own, with the name of this start in its environment. Null where
   * that failed: the listener is told why.
   */
  static start(
    start: string,
    config: ProcessConfig,
    name: string,
    place: LaunchPlace,
    listener: LaunchListener,
  ): Launch | null {
    const [program = '', ...args] = config.command
    let output: OutputFile | null = null
    let child: ChildProcess
    let surroundings: ProbeSurroundings
    try {
      surroundings = surroundingsOf(config, place, start)
      output = outputOf(config, name, place)
      const to = output?.fd ?? 'inherit'
      child = spawn(program, args, { ...surroundings, detached: true, stdio: ['ignore', to, to] })
    } catch (error) {
      output?.close()
      // After the caller has what this returns.
      queueMicrotask(() => listener.failed((error as Error).message))
      return null
    }
    if (child.pid === undefined) {
      child.once('error', (error) => listener.failed(error.message))
      output?.close()
      return null
    }
    // Signals go to its group: an error of the child’s own can only be one that comes too late.
    child.on('error', () => {})
    child.once('exit', (code, signal) => listener.exited(code, signal))
    return new Launch(child.pid, lookUp(child.pid)?.identity ?? '', surroundings, output)
  }

  /** One that another agent has started, and that lives. */
  static adopt(
    pid: number,
    identity: string,
    config: ProcessConfig,
    name: string,
    place: LaunchPlace,
    exited: () => void,
  ): Launch {
    // What is missing for a start is no reason to leave one alone that runs.
    const surroundings = orElse(() => surroundingsOf(config, place, ''), {
      cwd: place.baseDir,
      env: process.env,
    })
    const output = orElse(() => outputOf(config, name, place), null)
    const adopted = new Launch(pid, identity, surroundings, output)
    adopted.#watch = setInterval(() => {
      if (adopted.#lives) return
      clearInterval(adopted.#watch)
      exited()
    }, lookEveryMs)
    return adopted
  }

  /** To all of its group. One that has ended gets none: its id may be somebody else’s by now. */
  signal(signal: NodeJS.Signals): void {
    if (this.#watch !== undefined && !this.#lives) return
    try {
      process.kill(-this.pid, signal)
    } catch {
      // It has ended meanwhile.
    }
  }

  rotate(): void {
    this.#output?.rotate()
  }

  /** Looks after it no more; it goes on. */
  close(): void {
    clearInterval(this.#watch)
    this.#output?.close()
  }

  get #lives(): boolean {
    return lookUp(this.pid)?.identity === this.identity
  }
}

function surroundingsOf(config: ProcessConfig, { baseDir }: LaunchPlace, start: string): ProbeSurroundings {
  const cwd = resolve(baseDir, config.cwd ?? '.')
  if (!existsSync(cwd)) throw new Error(`its folder ${cwd} is not there`)
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([key]) => !own.includes(key)))
  const env = { ...inherited, ...config.env, [startVariable]: start }
  return { cwd, env, ...(config.user === undefined ? {} : userOf(config.user)) }
}

function userOf(user: string): { uid: number; gid: number } {
  const ask = (flag: string): number => {
    try {
      return Number(
        execFileSync('id', [flag, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
      )
    } catch {
      throw new Error(`there is no user ${user}`)
    }
  }
  const [uid, gid] = [ask('-u'), ask('-g')]
  if (process.getuid?.() !== 0 && process.getuid?.() !== uid)
    throw new Error(`it is to run as ${user}, and only an agent that runs as root can start it so`)
  return { uid, gid }
}

function outputOf({ output }: ProcessConfig, name: string, { folder }: LaunchPlace): OutputFile | null {
  return output === 'passed' ? null : new OutputFile(join(folder, `${name}.log`), output)
}

function orElse<T>(attempt: () => T, otherwise: T): T {
  try {
    return attempt()
  } catch {
    return otherwise
  }
}
