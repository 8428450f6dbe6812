import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { allowedCores } from './process-tree.ts'

/** Without these a figure says nothing. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly kernel: string
  readonly node: string
  /** Processes that wanted to run in the last minute: above 1 before a bench, others are using the machine. */
  readonly loadAverage: number
  /** ISO 8601 in UTC. */
  readonly date: string
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: allowedCores().length,
    memoryGib: Math.round((totalmem() / 2 ** 30) * 10) / 10,
    kernel: release(),
    node: process.version,
    loadAverage: loadavg()[0]!,
    date: new Date().toISOString(),
  }
}

export function machineText(machine: Machine): string {
  const { cpu, cores, memoryGib, kernel, node, loadAverage, date } = machine
  return [
    `${cpu}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${memoryGib} GiB, Linux ${kernel}, Node ${node}`,
    `${date}, load average before: ${loadAverage.toFixed(2)}`,
  ].join('\n')
}

/** Version of an installed package, of the workspace's own ones too. */
export function packageVersion(name: string): string {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url)
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, 'utf8'))
  return version
}

/** The commit this tree is at, `+` when it has been changed since; empty outside a clone. */
export function commit(): string {
  const hash = git('rev-parse', '--short', 'HEAD')
  return hash === '' ? '' : hash + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+')
}

function git(...args: string[]): string {
  return (
    spawnSync('git', args, { cwd: new URL('..', import.meta.url), encoding: 'utf8' }).stdout?.trim() ?? ''
  )
}
