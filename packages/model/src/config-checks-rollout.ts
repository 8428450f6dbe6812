import type { Finding, Path } from './config-document.ts'
import { checkAnalysis } from './config-checks-analysis.ts'
import { checkReference, operand } from './config-findings.ts'
import { describe } from './config-issues.ts'
import { stableRelease } from './config-split.ts'
import { entries, get, items } from './config-values.ts'

const leaseMin = 3_000

/** What no single value of `rollouts` shows. */
export function* checkRollouts(config: unknown): Generator<Finding> {
  const routes = new Map(items(get(config, 'routes')).map((route) => [String(get(route, 'name')), route]))
  const first = new Map<string, string>()
  const rollouts = get(config, 'rollouts')
  for (const [name, rollout] of entries(rollouts)) {
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
    yield* checkSteps(path, rollout, routeOf(routes, route))
    yield* checkSchema([...path, 'schema'], name, rollout, rollouts, routeOf(routes, route))
    for (const [each, analysis] of entries(get(rollout, 'analysis')))
      yield* checkAnalysis([...path, 'analysis', each], analysis, get(config, 'logs') !== undefined)
  }
}

function routeOf(routes: ReadonlyMap<string, unknown>, route: unknown): unknown {
  return typeof route === 'string' ? routes.get(route) : undefined
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

const WHOLE = 10_000

function* checkSteps(path: Path, rollout: unknown, route: unknown): Generator<Finding> {
  const steps = items(get(rollout, 'steps'))
  const isBlueGreen = get(rollout, 'strategy') === 'blueGreen'
  let before = 0
  for (const [index, step] of steps.entries()) {
    const at: Path = [...path, 'steps', index]
    const share = shareOf(step, 'basisPoints')
    const mirror = shareOf(step, 'mirrorBasisPoints')
    yield* checkRises(at, step, share, before)
    if (isBlueGreen && share > 0 && share < WHOLE)
      yield {
        path: [...at, 'basisPoints'],
        message: 'a part',
        expected: `nothing, or all ${WHOLE}: blueGreen knows nothing between`,
        found: String(share),
      }
    if (mirror > 0) yield* checkMirrorStep([...at, 'mirrorBasisPoints'], share, before, route)
    before = Math.max(before, share)
  }
}

function* checkRises(path: Path, step: unknown, share: number, before: number): Generator<Finding> {
  if (share > before) return
  if (share < before || before > 0)
    yield {
      path: [...path, 'basisPoints'],
      message: 'does not rise',
      expected: `more than ${before}`,
      found: String(share),
    }
  else if (shareOf(step, 'mirrorBasisPoints') === 0 && get(step, 'pause') !== true)
    yield {
      path,
      message: 'nothing happens at it',
      expected: 'basisPoints, mirrorBasisPoints, or pause: true',
    }
}

function* checkMirrorStep(path: Path, share: number, before: number, route: unknown): Generator<Finding> {
  if (share > 0 || before > 0)
    yield {
      path,
      message: 'a mirror beside a share',
      expected: 'mirrors first, then steps with basisPoints alone',
    }
  if (items(get(route, 'backends')).length > 1)
    yield {
      path,
      message: 'not for several services',
      expected: 'a route with one backend',
      found: `${items(get(route, 'backends')).length}`,
    }
  if (get(route, 'mirror') !== undefined)
    yield {
      path,
      message: 'two mirrors on one route',
      expected: 'no mirrorBasisPoints, or a route without `mirror`',
    }
}

function shareOf(step: unknown, key: string): number {
  const share = get(step, key)
  return typeof share === 'number' ? share : 0
}

/** Users of a release that neither this rollout nor stable means would meet data that they cannot read. */
function* checkSchema(
  path: Path,
  name: string,
  rollout: unknown,
  rollouts: unknown,
  route: unknown,
): Generator<Finding> {
  const schema = get(rollout, 'schema')
  if (schema === undefined) return
  const after = get(schema, 'after')
  if (get(schema, 'phase') === 'contract') {
    if (after === undefined)
      yield {
        path: [...path, 'after'],
        message: 'missing',
        expected: 'the rollout behind which no older release has users',
      }
    for (const [release, share] of entries(get(get(route, 'split'), 'releases')))
      if (typeof share === 'number' && share > 0 && release !== get(rollout, 'release'))
        yield {
          path: [...path, 'phase'],
          message: 'an older release still has a share',
          expected: `split.releases.${release} of ${describe(get(route, 'name'))} to be 0 or gone before a contract`,
          found: String(share),
        }
  }
  yield* checkCycle([...path, 'after'], name, after, rollouts)
}

function* checkCycle(path: Path, name: string, first: unknown, rollouts: unknown): Generator<Finding> {
  const way = [name]
  for (let next = first; typeof next === 'string'; next = get(get(get(rollouts, next), 'schema'), 'after')) {
    if (next === name) {
      yield {
        path,
        message: 'comes after itself',
        expected: 'rollouts one behind the other',
        found: [...way, name].join(' after '),
      }
      return
    }
    // A circle that this one only leads to is said where it is.
    if (way.includes(next)) return
    way.push(next)
  }
}
