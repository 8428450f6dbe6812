import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { startVariable } from '@budao/model'

/** What the system knows of one process. `identity` tells it from another one that had the same id before. */
export interface KnownProcess {
  readonly pid: number
  readonly identity: string
  readonly group: number
}

const linux = process.platform === 'linux'
/** USER_HZ: the unit of times in /proc, whatever the kernel’s own tick is. */
const ticksPerSecond = 100

/** This boot of the machine: what was noted before the last one says nothing about processes of now. */
export function bootId(): string {
  if (linux) return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim()
}

/** The living process with that id, null where there is none. One that has ended and is not yet waited for has ended. */
export function lookUp(pid: number): KnownProcess | null {
  return linux ? fromProc(pid) : (fromPs(['-p', String(pid)])[0] ?? null)
}

/**
 * Everything alive that belongs to a process that was started as the leader of its own group with that name of its start:
 * its group, and on Linux whatever has the name in its environment, in whatever group and session it hides.
 */
export function belonging(group: number | null, start: string): readonly KnownProcess[] {
  if (!linux) return group === null ? [] : fromPs(['-A']).filter((each) => each.group === group)
  const mark = `${startVariable}=${start}`
  const found: KnownProcess[] = []
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === process.pid) continue
    const known = fromProc(pid)
    if (known !== null && (known.group === group || environmentOf(pid).includes(mark))) found.push(known)
  }
  return found
}

/** Resident memory of a process, bytes; null where nobody can say. */
export function residentBytes(pid: number): number | null {
  try {
    const text = linux
      ? readFileSync(`/proc/${pid}/status`, 'latin1')
      : `VmRSS: ${execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'latin1' })}`
    const kibibytes = /^VmRSS:\s*(\d+)/m.exec(text)?.[1]
    return kibibytes === undefined ? null : Number(kibibytes) * 1_024
  } catch {
    return null
  }
}

/** When a process began, in milliseconds of `performance.now()` of this one; null where nobody can say. */
export function beganAt({ identity }: KnownProcess): number | null {
  const ticks = Number(identity)
  if (!linux || !Number.isFinite(ticks)) return null
  const [upSeconds = ''] = readFileSync('/proc/uptime', 'utf8').split(' ', 1)
  return performance.now() - (Number(upSeconds) - ticks / ticksPerSecond) * 1_000
}

function fromProc(pid: number): KnownProcess | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The name may hold anything, parentheses too: what follows the last one is well-formed. Fields by proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state = '', , group = ''] = fields
  const threads = Number(fields[17])
  // A dead leader whose other threads go on is shown as a zombie, too.
  if ((state === 'Z' && threads <= 1) || state === 'X') return null
  return { pid, identity: fields[19] ?? '', group: Number(group) }
}

/** Empty where it may not be read: then it is somebody else’s. */
function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0')
  } catch {
    return []
  }
}

function fromPs(which: readonly string[]): KnownProcess[] {
  let text: string
  try {
    const format = ['-o', 'pid=,pgid=,stat=,lstart=']
    text = execFileSync('ps', [...which, ...format], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    })
  } catch {
    return []
  }
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length >= 8 && !words[2]!.startsWith('Z'))
    .map(([pid, group, , ...began]) => ({
      pid: Number(pid),
      group: Number(group),
      identity: began.join(' '),
    }))
}
