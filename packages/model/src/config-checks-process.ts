import type { Finding, Path } from './config-document.ts'
import { checkAtMost, checkReference, operand } from './config-findings.ts'
import { entries, get, isObject, items } from './config-values.ts'

/** Processes that refer to what is not there, wait for each other, or cannot be checked. */
export function* checkProcesses(value: unknown): Generator<Finding> {
  const processes = get(value, 'processes')
  const nodes = new Map<string, string>()
  for (const [name, process] of entries(processes)) {
    const path: Path = ['processes', name]
    yield* checkReference(
      [...path, 'service'],
      get(process, 'service'),
      get(value, 'services') ?? {},
      'service',
    )
    for (const [index, other] of items(get(process, 'after')).entries())
      yield* checkReference([...path, 'after', index], other, processes, 'process')
    const circle = circleFrom(name, processes)
    if (circle !== null) {
      yield { path: [...path, 'after'], message: 'waits for itself', found: circle.join(' → ') }
    }
    yield* checkAtMost(operand(path, process, ['restart', 'min']), operand(path, process, ['restart', 'max']))
    yield* checkHealth(path, process)
    yield* checkNode(path, get(process, 'node'), nodes)
  }
}

function* checkHealth(path: Path, process: unknown): Generator<Finding> {
  const health = get(process, 'health')
  if (!isObject(health)) return
  yield* checkAtMost(
    operand(path, process, ['health', 'timeout']),
    operand(path, process, ['health', 'interval']),
  )
  const type = get(health, 'type')
  const hasAddress = get(health, 'address') !== undefined || get(process, 'address') !== undefined
  if ((type === 'http' || type === 'tcp') && !hasAddress) {
    yield {
      path: [...path, 'health', 'address'],
      message: 'missing',
      expected: 'host:port, here or as `address`',
    }
  }
  if (type === 'exec' && get(health, 'command') === undefined) {
    yield {
      path: [...path, 'health', 'command'],
      message: 'missing',
      expected: 'a list: program, then arguments',
    }
  }
  if (type !== undefined && type !== 'exec' && get(health, 'command') !== undefined) {
    yield { path: [...path, 'health', 'command'], message: 'only with type exec', expected: 'no command' }
  }
}

/** The word that a node has gone must mean one process. */
function* checkNode(path: Path, node: unknown, nodes: Map<string, string>): Generator<Finding> {
  if (typeof node !== 'string') return
  const before = nodes.get(node)
  if (before === undefined) nodes.set(node, String(path.at(-1)))
  else {
    yield {
      path: [...path, 'node'],
      message: 'node given twice',
      found: node,
      hint: `processes.${before} is it too`,
    }
  }
}

/** The way from a process back to itself along `after`, null where there is none. */
function circleFrom(start: string, processes: unknown): readonly string[] | null {
  const seen = new Set<string>()
  const walk = (name: string, way: readonly string[]): readonly string[] | null => {
    for (const next of items(get(get(processes, name), 'after'))) {
      if (next === start) return [...way, start]
      if (typeof next !== 'string' || seen.has(next)) continue
      seen.add(next)
      const found = walk(next, [...way, next])
      if (found !== null) return found
    }
    return null
  }
  return walk(start, [start])
}
