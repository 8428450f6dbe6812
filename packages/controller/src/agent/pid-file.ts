import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** A living process, and the command that started it. */
export interface LivingProcess {
  readonly pid: number
  readonly name: string
  readonly command: readonly string[]
}

/**
 * A file with one `PID name` a line, as `sites.<name>.pidFile` names it: what a drill may break of this site. The name is an
 * argument of the process, by which a reader makes sure that it is still that one.
 */
export class PidFile {
  readonly #path: string
  #written: string | null = null

  constructor(path: string) {
    this.#path = path
    mkdirSync(dirname(path), { recursive: true })
  }

  /** Renamed into place: a reader sees the old list or the new one, never half of it. */
  write(processes: readonly LivingProcess[]): void {
    const lines = processes.map(({ pid, name, command }) => `${pid} ${argumentOf(name, command)}\n`).join('')
    if (lines === this.#written) return
    this.#written = lines
    writeFileSync(`${this.#path}.new`, lines)
    renameSync(`${this.#path}.new`, this.#path)
  }
}

function argumentOf(name: string, command: readonly string[]): string {
  return command.includes(name) ? name : (command.findLast((each) => /^\S+$/.test(each)) ?? name)
}
