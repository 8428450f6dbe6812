import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { isIP } from 'node:net'
import { CliError } from '../../cli-error.ts'
import type { PacketLoss } from './fault.ts'

/** All rules of drills are in this table: taking it away takes all of them back. */
const table = 'budao_drill'
const runMsMax = 10_000

/**
 * Has the kernel drop packets to and from endpoints, for `forMs`: then their addresses leave its sets by themselves,
 * also when the machine that runs the drill has lost it.
 */
export async function dropPackets({ endpoints, lost }: PacketLoss, forMs: number): Promise<void> {
  await run(rules(endpoints, lost, forMs))
}

/** No table is as good as an empty one. */
export async function letPacketsPass(): Promise<void> {
  await run(`add table inet ${table}\ndelete table inet ${table}\n`)
}

/** Why the kernel cannot be asked; undefined where it can. */
export async function whyNoFirewall(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `there are no packet filter rules on ${process.platform}`
  if (process.getuid?.() !== 0) return 'packet filter rules need root'
  try {
    await run(`add table inet ${table}\ndelete table inet ${table}\n`)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The rules as `nft -f -` reads them. Answers come from an endpoint's port; the rest of the machine is not met. */
export function rules(endpoints: readonly string[], lost: PacketLoss['lost'], forMs: number): string {
  const lines = [`add table inet ${table}`, `delete table inet ${table}`, `add table inet ${table}`]
  const add = (line: string): unknown => lines.push(`add ${line}`)
  for (const hook of ['input', 'output'])
    add(`chain inet ${table} ${hook} { type filter hook ${hook} priority -300; policy accept; }`)
  for (const family of ['4', '6'] as const) {
    const elements = endpoints.map(parts).filter(({ host }) => isIP(host) === Number(family))
    if (elements.length === 0) continue
    const set = `gone${family}`
    const ip = family === '4' ? 'ip' : 'ip6'
    add(`set inet ${table} ${set} { type ipv${family}_addr . inet_service; flags timeout; }`)
    const listed = elements.map(({ host, port }) => `${host} . ${port} timeout ${Math.ceil(forMs)}ms`)
    add(`element inet ${table} ${set} { ${listed.join(', ')} }`)
    add(`rule inet ${table} input ${ip} saddr . tcp sport @${set} counter drop`)
    if (lost === 'everything') add(`rule inet ${table} output ${ip} daddr . tcp dport @${set} counter drop`)
  }
  return `${lines.join('\n')}\n`
}

function parts(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':')
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) }
}

async function run(script: string): Promise<void> {
  const child = spawn('nft', ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'], timeout: runMsMax })
  const ended = new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  )
  child.stdin.on('error', () => {})
  child.stdin.end(script)
  try {
    const [complaint, code] = await Promise.all([text(child.stderr), ended])
    if (code === 0) return
    throw new Error(complaint.trim().split('\n')[0] ?? `exit code ${code}`)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(`nft: ${code === 'ENOENT' ? 'is not installed' : message}`, 1, { cause: error })
  }
}
