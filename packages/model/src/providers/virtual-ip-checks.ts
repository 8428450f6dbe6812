import type { Finding, Path } from '../config-document.ts'
import { checkAtMost, checkReference, operand, type Operand } from '../config-findings.ts'
import { describe } from '../config-issues.ts'
import { entries, get, isObject, items } from '../config-values.ts'
import { ownerPriority } from '../vrrp/priority.ts'
import { rankNodes, type KeepalivedConfig } from './virtual-ip.ts'

/** Longest advert interval that fits into a packet, by version. */
const advertMsMax = { 2: 255_000, 3: 40_950 } as const
const preemptDelayMsMax = 1_000_000

/** What no single value of `virtualIp` shows. */
export function* checkVirtualIp(config: unknown): Generator<Finding> {
  const keepalived = get(get(config, 'virtualIp'), 'keepalived')
  if (!isObject(keepalived)) return
  const path: Path = ['virtualIp', 'keepalived']
  const nodes = get(keepalived, 'nodes')
  yield* checkReference([...path, 'nodes'], get(get(config, 'node'), 'name'), nodes, 'node.name')
  yield* checkAddresses(path, keepalived)
  yield* checkNodes(path, keepalived)
  yield* checkTimes(path, keepalived)
  if (get(keepalived, 'version') !== 2 && get(keepalived, 'password') !== undefined) {
    yield {
      path: [...path, 'password'],
      message: 'version 3 knows no password',
      expected: 'version: 2, or none',
      found: 'one',
    }
  }
}

function* checkAddresses(path: Path, keepalived: object): Generator<Finding> {
  const shared = items(get(keepalived, 'addresses')).filter((each) => typeof each === 'string')
  const nodes = entries(get(keepalived, 'nodes'))
  const own = nodes.map(([name, node]) => [name, get(node, 'address')] as const)
  const six = shared.map((address) => address.includes(':'))
  for (const [index, address] of shared.entries()) {
    const at: Path = [...path, 'addresses', index]
    const host = address.split('/', 1)[0]
    if (shared.findIndex((each) => each.split('/', 1)[0] === host) < index)
      yield { path: at, message: 'address given twice', found: describe(address) }
    if (six[index] !== six[0])
      yield { path: at, message: 'another family than the first address', found: describe(address) }
    if (six[index] && get(keepalived, 'version') === 2)
      yield {
        path: at,
        message: 'version 2 knows only IPv4',
        expected: 'version: 3',
        found: describe(address),
      }
    const owner = own.find(([, each]) => each === host)
    if (owner !== undefined && get(get(get(keepalived, 'nodes'), owner[0]), 'priority') !== ownerPriority) {
      yield {
        path: at,
        message: `the own address of ${owner[0]}: it would leave that machine with the role`,
        expected: 'an address of no machine',
        found: describe(address),
      }
    }
  }
}

function* checkNodes(path: Path, keepalived: object): Generator<Finding> {
  const nodes = entries(get(keepalived, 'nodes'))
  const some = nodes.some(([, node]) => get(node, 'address') !== undefined)
  const seen = new Map<unknown, string>()
  for (const [name, node] of nodes) {
    const address = get(node, 'address')
    const at: Path = [...path, 'nodes', name, 'address']
    if (address === undefined && some)
      yield { path: at, message: 'missing', expected: 'an address, since other nodes have one' }
    const before = address === undefined ? undefined : seen.get(address)
    if (before !== undefined)
      yield {
        path: at,
        message: 'address given twice',
        found: describe(address),
        hint: `${before} has it too`,
      }
    seen.set(address, name)
  }
  if (!nodes.every(([, node]) => isObject(node)) || nodes.length < 2) return
  const ranked = rankNodes({
    ...(keepalived as unknown as KeepalivedConfig),
    check: { weight: 0 } as KeepalivedConfig['check'],
  })
  for (const [index, { name, priority }] of ranked.entries()) {
    const before = ranked[index - 1]
    if (before?.priority !== priority) continue
    yield {
      path: [...path, 'nodes', name, 'priority'],
      message: `the same priority as ${before.name}`,
      expected: 'a priority of its own for each node',
      found: describe(priority),
    }
  }
}

function* checkTimes(path: Path, keepalived: object): Generator<Finding> {
  const at = (...keys: string[]): Operand => operand(path, keepalived, keys)
  yield* checkAtMost(at('check', 'timeout'), at('check', 'interval'))
  for (const key of ['interval', 'timeout']) yield* checkWhole(at('check', key), 1_000, 'whole seconds')
  const advert = at('advertInterval')
  const version = get(keepalived, 'version') === 2 ? 2 : 3
  yield* checkWhole(
    advert,
    version === 2 ? 1_000 : 10,
    version === 2 ? 'whole seconds with version 2' : 'whole hundredths of a second',
  )
  yield* checkLongest(advert, advertMsMax[version])
  const delay = at('preemptDelay')
  yield* checkLongest(delay, preemptDelayMsMax)
  if (get(keepalived, 'preempt') !== true && (delay.ms ?? 0) > 0)
    yield {
      path: delay.path,
      message: 'nothing is preempted',
      expected: 'preempt: true',
      found: delay.written,
    }
}

function* checkWhole({ path, ms, written }: Operand, unitMs: number, expected: string): Generator<Finding> {
  if (ms !== undefined && ms % unitMs !== 0) yield { path, message: 'bad value', expected, found: written }
}

function* checkLongest({ path, ms, written }: Operand, mostMs: number): Generator<Finding> {
  if (ms !== undefined && ms > mostMs)
    yield { path, message: 'bad value', expected: `at most ${mostMs} ms`, found: written }
}
