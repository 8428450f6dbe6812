import { isLoopback, parseAddress } from './config-address.ts'
import type { Finding, Path } from './config-document.ts'
import { checkDoubles, checkReference, operand } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { get, isObject, items } from './config-values.ts'

const injectAfterMs = 5_000
const settleMs = 2_000

/** What no single value of `drills` shows. */
export function* checkDrills(value: unknown): Generator<Finding> {
  const drills = get(value, 'drills')
  if (!isObject(drills)) return
  yield* checkDoubles(drills, 'schedule', 'name', undefined, ['drills'])
  for (const [index, drill] of items(get(drills, 'schedule')).entries()) {
    const path: Path = ['drills', 'schedule', index]
    yield* checkReference([...path, 'site'], get(drill, 'site'), get(value, 'sites'), 'site')
    yield* checkTimes(path, drill)
  }
  for (const [index, window] of items(get(drills, 'blockWindows')).entries()) {
    const [from, to] = [get(get(window, 'dates'), 'from'), get(get(window, 'dates'), 'to')]
    if (typeof from === 'string' && typeof to === 'string' && from > to) {
      yield {
        path: ['drills', 'blockWindows', index, 'dates', 'to'],
        message: 'before its beginning',
        expected: `${from} or later`,
        found: describe(to),
      }
    }
  }
  const control = get(get(drills, 'relays'), 'control')
  const host = typeof control === 'string' ? parseAddress(control)?.host : undefined
  if (host !== undefined && !isLoopback(host)) {
    yield {
      path: ['drills', 'relays', 'control'],
      message: 'open to the network',
      expected: 'a loopback address: whoever reaches it can cut endpoints off',
      found: describe(control),
    }
  }
  yield* checkDoubles(get(drills, 'relays'), 'links', 'listen', undefined, ['drills', 'relays'])
}

/** The load has to go on after the fault, or nobody sees whether users recover. */
function* checkTimes(path: Path, drill: unknown): Generator<Finding> {
  const fault = operand(path, drill, ['faultFor'])
  const faultMs = fault.ms ?? 6_000
  const durationMs = operand(path, drill, ['duration']).ms ?? 20_000
  if (faultMs + injectAfterMs + settleMs <= durationMs) return
  yield {
    path: [...path, 'duration'],
    message: 'too short for the fault',
    expected: `at least ${faultMs + injectAfterMs + settleMs}ms: 5s before the fault and 2s after it`,
    found: `${durationMs}ms`,
  }
}
