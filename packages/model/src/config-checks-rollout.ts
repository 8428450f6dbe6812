import type { Finding, Path } from './config-document.ts'
import { checkReference, operand } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { stableRelease } from './config-split.ts'
import { entries, get, items } from './config-values.ts'

const leaseMin = 3_000

/** What no single value of `rollouts` shows. */
export function* checkRollouts(config: unknown): Generator<Finding> {
  const routes = new Map(items(get(config, 'routes')).map((route) => [String(get(route, 'name')), route]))
  const first = new Map<string, string>()
  for (const [name, rollout] of entries(get(config, 'rollouts'))) {
    const path: Path = ['rollouts', name]
    const route = get(rollout, 'route')
    yield* checkReference([...path, 'route'], route, Object.fromEntries(routes), 'route')
    if (typeof route === 'string') {
      const found = routes.get(route)
      if (found !== undefined && get(found, 'split') === undefined)
        yield {
          path: [...path, 'route'],
          message: 'does not split',
          expected: 'a route with `split`, `{}` will do',
          found: describe(route),
        }
      const before = first.get(route)
      if (before === undefined) first.set(route, name)
      else
        yield {
          path: [...path, 'route'],
          message: 'two rollouts on one route',
          expected: 'one after the other',
          found: describe(route),
          hint: `rollouts.${before} has it too`,
        }
      yield* checkRelease([...path, 'release'], get(rollout, 'release'), found, get(config, 'services'))
    }
    const lease = operand(path, rollout, ['lease'])
    if (lease.ms !== undefined && lease.ms < leaseMin)
      yield {
        path: lease.path,
        message: 'too short',
        expected: `at least ${leaseMin}ms: it is renewed each second`,
        found: `${lease.ms}ms`,
      }
    yield* checkSteps([...path, 'steps'], items(get(rollout, 'steps')))
  }
}

function* checkRelease(path: Path, release: unknown, route: unknown, services: unknown): Generator<Finding> {
  if (typeof release !== 'string') return
  if (release === stableRelease) {
    yield {
      path,
      message: 'not to be rolled out',
      expected: 'another release: stable has what it leaves',
      found: describe(release),
    }
    return
  }
  const known: string[] = []
  for (const backend of items(get(route, 'backends'))) {
    const endpoints = items(get(get(services, String(get(backend, 'service'))), 'endpoints'))
    // Endpoints that register name their release then.
    if (endpoints.length === 0) return
    for (const endpoint of endpoints) {
      const runs = get(endpoint, 'release')
      if (typeof runs === 'string') known.push(runs)
    }
  }
  const others = known.filter((each) => each !== stableRelease).map((each) => [each, true])
  if (route !== undefined) yield* checkReference(path, release, Object.fromEntries(others), 'release')
}

function* checkSteps(path: Path, steps: readonly unknown[]): Generator<Finding> {
  for (const [index, step] of steps.entries()) {
    const share = get(step, 'basisPoints')
    const before = index === 0 ? 0 : get(steps[index - 1], 'basisPoints')
    if (typeof share === 'number' && typeof before === 'number' && share <= before)
      yield {
        path: [...path, index, 'basisPoints'],
        message: 'does not rise',
        expected: `more than ${before}`,
        found: String(share),
      }
  }
}
