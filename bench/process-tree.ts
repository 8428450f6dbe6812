import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Linux reports CPU time to user space in these, whatever the kernel's own tick is. */
const ticksPerSecond = 100

/** What a process and all below it have used. */
export interface Usage {
  readonly pids: readonly number[]
  /** User and system time of all threads since start, microseconds, in steps of 10 000. */
  readonly cpuMicros: number
  readonly rssBytes: number
  /** Sum of each process's own highest RSS. */
  readonly peakRssBytes: number
}

/** That process and its descendants, parents first. Empty when it is gone. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>()
  let rootSeen = false
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const stat = readStat(pid)
    if (stat === undefined) continue
    rootSeen ||= pid === root
    const siblings = children.get(stat.parent)
    if (siblings === undefined) children.set(stat.parent, [pid])
    else siblings.push(pid)
  }
  if (!rootSeen) return []
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** Of the whole tree. Throws when the process is gone: a figure without it would be a wrong one. */
export function usageOf(root: number): Usage {
  const pids = processTree(root)
  if (pids.length === 0) throw new Error(`process ${root} is gone`)
  let ticks = 0
  let rssBytes = 0
  let peakRssBytes = 0
  for (const pid of pids) {
    ticks += readStat(pid)?.ticks ?? 0
    const status = read(`/proc/${pid}/status`)
    rssBytes += kilobytes(status, 'VmRSS') * 1024
    peakRssBytes += kilobytes(status, 'VmHWM') * 1024
  }
  return { pids, cpuMicros: (ticks / ticksPerSecond) * 1e6, rssBytes, peakRssBytes }
}

/** One TCP socket that a process holds open. */
export interface TcpSocket {
  /** As the kernel numbers them: see `listening`. */
  readonly state: string
  readonly localPort: number
  /** 0 while listening. */
  readonly remotePort: number
}

const listening = '0A'

/** The tree's TCP connections, half closed ones included, listening sockets not. */
export function connectionsOf(root: number): TcpSocket[] {
  const held = new Set<string>()
  const pids = processTree(root)
  for (const pid of pids) {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1]
        if (inode !== undefined) held.add(inode)
      } catch {
        // Closed between the listing and the look.
      }
    }
  }
  // One network for all of them: the tables of the root hold every socket.
  const lines = ['tcp', 'tcp6'].flatMap((table) => read(`/proc/${root}/net/${table}`).split('\n').slice(1))
  return lines.flatMap((line) => {
    const [, local = '', remote = '', state = '', , , , , , inode = ''] = line.trim().split(/\s+/)
    if (!held.has(inode) || state === listening) return []
    return [{ state, localPort: hexPort(local), remotePort: hexPort(remote) }]
  })
}

function hexPort(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16)
}

/** The CPUs this process may use, ascending. */
export function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status'))?.[1] ?? '0'
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}

function readStat(pid: number): { parent: number; ticks: number } | undefined {
  const text = read(`/proc/${pid}/stat`)
  // The name in parentheses may hold spaces and parentheses itself: fields are counted from the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (fields.length < 13) return undefined
  return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }
}

function kilobytes(status: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
}

/** Empty when the process has ended meanwhile. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
