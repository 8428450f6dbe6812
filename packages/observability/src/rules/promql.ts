import { formatDuration } from '@budao/model'
import type { MetricCondition, Selector } from './condition.ts'

/**
 * The expression of Prometheus that holds when a condition over metrics does: for those who run its server, and for the test
 * that compares the two.
 */
export function toPromql(condition: MetricCondition): string {
  const { selector, windowMs, min, by } = condition
  const range = `[${formatDuration(windowMs)}]`
  const increase = (of: Selector): string => aggregate('sum', by, `increase(${written(of)}${range})`)
  if (condition.kind === 'absent')
    return windowMs === 0 ? `absent(${written(selector)})` : `absent_over_time(${written(selector)}${range})`
  const { comparison, limit } = condition.threshold
  const beyond = `${comparison} ${limit}`
  switch (condition.kind) {
    case 'value':
      return `${aggregate('sum', by, written(selector))} ${beyond}`
    case 'avg':
    case 'min':
    case 'max':
      return `${aggregate(condition.kind, by, `${condition.kind}_over_time(${written(selector)}${range})`)} ${beyond}`
    case 'count':
      return `${increase(selector)} ${beyond}`
    case 'rate':
      return `${aggregate('sum', by, `rate(${written(selector)}${range})`)} ${beyond}`
    case 'ratio': {
      const enough = min === 0 ? '' : ` and ${increase(condition.of)} >= ${min}`
      return `${increase(selector)} / ${increase(condition.of)} ${beyond}${enough}`
    }
    case 'quantile': {
      const bucket = { ...selector, name: `${selector.name}_bucket` }
      const rates = `rate(${written(bucket)}${range})`
      const classes = by === '*' ? rates : `sum by (${[...by, 'le'].join(', ')}) (${rates})`
      const all = { ...bucket, matchers: [...bucket.matchers, { label: 'le', how: '=', value: '+Inf' }] }
      const enough =
        min === 0
          ? ''
          : ` and ${by === '*' ? 'ignoring (le) ' : ''}${aggregate('sum', by, `increase(${written(all as Selector)}${range})`)} >= ${min}`
      return `histogram_quantile(${condition.quantile}, ${classes}) ${beyond}${enough}`
    }
  }
}

function aggregate(operator: string, by: MetricCondition['by'], inner: string): string {
  if (by === '*') return inner
  return by.length === 0 ? `${operator}(${inner})` : `${operator} by (${by.join(', ')}) (${inner})`
}

function written({ name, matchers }: Selector): string {
  if (matchers.length === 0) return name
  const parts = matchers.map(({ label, how, value }) => `${label}${how}${JSON.stringify(value)}`)
  return `${name}{${parts.join(', ')}}`
}
