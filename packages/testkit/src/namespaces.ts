import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { TestContext } from 'node:test'
import type { Cleanup } from './cleanup.ts'
import { findOrInstall } from './debian.ts'
import { type TestProcess, startProcess } from './processes.ts'

/** A reason that begins so is told and does not fail a run with `CI=true`: no installing would change it. */
export const cannotPrefix = 'this machine cannot: '

let networks = 0

/** A machine of a test's own network: a network namespace with `lo` and `eth0`. */
export class TestHost {
  /** Of the namespace. */
  readonly namespace: string
  readonly address: string

  constructor(namespace: string, address: string) {
    this.namespace = namespace
    this.address = address
  }

  /** Starts a program there that ends with the test. */
  start(t: Cleanup, command: string, args: readonly string[], cwd?: string): TestProcess {
    const all = ['netns', 'exec', this.namespace, command, ...args]
    return startProcess(t, 'ip', all, cwd === undefined ? {} : { cwd })
  }

  /** Runs a program there to its end, which has to be a good one, and returns its output. */
  run(command: string, args: readonly string[]): string {
    return ip(['netns', 'exec', this.namespace, command, ...args])
  }

  /** Addresses of `eth0` without the length of their network. */
  addresses(): string[] {
    const links = JSON.parse(ip(['-n', this.namespace, '-j', '-4', 'addr', 'show', 'dev', 'eth0'])) as {
      addr_info: { local: string }[]
    }[]
    return links.flatMap(({ addr_info }) => addr_info.map(({ local }) => local))
  }
}

/**
 * Machines on one switch, as `makeNetwork` makes them. Undefined, and the test skipped, where there are no rights to make them.
 */
export async function networkOf<const N extends string>(
  t: TestContext,
  names: readonly N[],
): Promise<Record<N, TestHost> | undefined> {
  const reason = await whyNoNetwork()
  if (reason === undefined) return makeNetwork(t, names)
  t.skip(reason)
  return undefined
}

/** Why no network can be made here; undefined where it can. */
export async function whyNoNetwork(): Promise<string | undefined> {
  const tool = await findOrInstall('iproute2', 'ip')
  return tool.kind === 'missing' ? `ip is needed: ${tool.reason}` : cannot()
}

/** Machines on one switch, 10.77.0.1 and so on, apart from the network of this one. */
export function makeNetwork<const N extends string>(t: Cleanup, names: readonly N[]): Record<N, TestHost> {
  if (networks === 0) pruneNamespaces()
  const prefix = `bt${process.pid}n${networks++}`
  const add = (name: string): string => {
    ip(['netns', 'add', `${prefix}-${name}`])
    t.after(() => ip(['netns', 'del', `${prefix}-${name}`]))
    return `${prefix}-${name}`
  }
  const bridge = add('sw')
  ip(['-n', bridge, 'link', 'add', 'br0', 'type', 'bridge'])
  ip(['-n', bridge, 'link', 'set', 'br0', 'up'])
  const hosts = names.map((name, index): [N, TestHost] => {
    const namespace = add(name)
    const port = `p-${name}`
    const address = `10.77.0.${index + 1}`
    ip(['link', 'add', 'eth0', 'netns', namespace, 'type', 'veth', 'peer', 'name', port, 'netns', bridge])
    ip(['-n', bridge, 'link', 'set', port, 'master', 'br0', 'up'])
    ip(['-n', namespace, 'addr', 'add', `${address}/24`, 'dev', 'eth0'])
    for (const device of ['lo', 'eth0']) ip(['-n', namespace, 'link', 'set', device, 'up'])
    return [name, new TestHost(namespace, address)]
  })
  return Object.fromEntries(hosts) as Record<N, TestHost>
}

/** Takes away what test runs left behind that were killed. */
function pruneNamespaces(): void {
  for (const line of ip(['netns', 'list']).split('\n')) {
    const [, name = '', pid = ''] = /^(bt(\d+)n\d+-\w+)/.exec(line) ?? []
    // Another run may be at it too: gone is gone.
    if (name !== '' && !existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'del', name])
  }
}

/** Why namespaces cannot be had; undefined where they can. */
function cannot(): string | undefined {
  if (process.getuid?.() !== 0) return `${cannotPrefix}network namespaces need root`
  const name = `bt${process.pid}probe`
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  if (made.status !== 0) return `${cannotPrefix}${made.stderr.trim()}`
  ip(['netns', 'del', name])
  return undefined
}

function ip(args: readonly string[]): string {
  const { status, signal, stdout, stderr, error } = spawnSync('ip', args, {
    encoding: 'utf8',
    timeout: 10_000,
    // A pipe of ours is a socket, and a shell that reads one takes itself for a remote login: it runs ~/.bashrc first, whatever that does.
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  if (status === 0) return stdout
  throw new Error(`ip ${args.join(' ')}: ${stderr || stdout || error?.message || signal || status}`)
}
