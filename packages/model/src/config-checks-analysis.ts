import type { Finding, Path } from './config-document.ts'
import { checkAtMost, operand } from './config-findings.ts'
import { get } from './config-values.ts'

const sources = ['prometheus', 'webhook', 'log'] as const
/** What stands for the release that is asked about. */
const placeholder = '$release'

/** What no single value of an analysis shows. `logs`: some are collected here. */
export function* checkAnalysis(path: Path, analysis: unknown, logs: boolean): Generator<Finding> {
  const given = sources.filter((source) => get(analysis, source) !== undefined)
  if (given.length !== 1)
    yield {
      path,
      message: given.length === 0 ? 'asks nobody' : 'asks twice',
      expected: `exactly one of ${sources.join(', ')}`,
      ...(given.length === 0 ? {} : { found: given.join(', ') }),
    }
  if (given[0] === 'log' && !logs)
    yield { path: [...path, 'log'], message: 'there are no logs', expected: '`logs`, which collects them' }
  const ofStable = get(analysis, 'ofStable')
  const limited = ['min', 'max'].some((key) => get(analysis, key) !== undefined)
  if (given.length === 1 && given[0] !== 'log' && !limited && ofStable === undefined)
    yield { path, message: 'has no limit', expected: 'min, max or ofStable' }
  yield* checkOrder(path, analysis)
  if (ofStable !== undefined) {
    yield* checkOrder([...path, 'ofStable'], ofStable)
    if (get(ofStable, 'min') === undefined && get(ofStable, 'max') === undefined)
      yield { path: [...path, 'ofStable'], message: 'has no limit', expected: 'min or max' }
    yield* checkPlaceholder(path, analysis)
  }
  yield* checkAtMost(operand(path, analysis, ['timeout']), operand(path, analysis, ['interval']))
}

function* checkOrder(path: Path, limits: unknown): Generator<Finding> {
  const [min, max] = [get(limits, 'min'), get(limits, 'max')]
  if (typeof min === 'number' && typeof max === 'number' && min > max)
    yield { path: [...path, 'min'], message: 'above max', expected: `at most ${max}`, found: String(min) }
}

/** The same question about both would have the same answer. */
function* checkPlaceholder(path: Path, analysis: unknown): Generator<Finding> {
  for (const keys of [['prometheus', 'query'], ['log']]) {
    const text = keys.reduce(get, analysis)
    if (typeof text === 'string' && !text.includes(placeholder))
      yield {
        path: [...path, ...keys],
        message: 'asks the same about stable',
        expected: `${placeholder} where the name of the release stands`,
      }
  }
}
