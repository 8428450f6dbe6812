import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** A process that cannot be mistaken for another one that got its number later. */
export interface KnownProcess {
  readonly pid: number
  readonly name: string
  /** When it began, as the system writes it. */
  readonly birth: string
}

/** With its birth; undefined when there is no such process. */
export function known({
  pid,
  name,
}: {
  readonly pid: number
  readonly name: string
}): KnownProcess | undefined {
  const birth = birthOf(pid)
  return birth === undefined ? undefined : { pid, name, birth }
}

/** Sends a signal to those that are still the same, and says which. Never to this process. */
export function signal(processes: readonly KnownProcess[], name: NodeJS.Signals): readonly KnownProcess[] {
  return processes.filter(({ pid, birth }) => {
    if (pid === process.pid || birthOf(pid) !== birth) return false
    try {
      process.kill(pid, name)
      return true
    } catch {
      // Gone in between, or somebody else's: then it was not met.
      return false
    }
  })
}

/** `shop-east-1 (4711)`. */
export function shownProcess({ name, pid }: { readonly name: string; readonly pid: number }): string {
  return `${name} (${pid})`
}

/** True while the process runs or is stopped; false when it is gone or only its remains are there. */
export function lives({ pid, birth }: KnownProcess): boolean {
  return birthOf(pid) === birth
}

function birthOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name in brackets may hold anything; state is the first field after it, the start time the twentieth.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
    }
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return started === '' ? undefined : started
  } catch {
    return undefined
  }
}
