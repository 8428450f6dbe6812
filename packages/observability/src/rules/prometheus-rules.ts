import { formatDuration } from '@budao/model'
import { toPromql } from './promql.ts'
import type { AlertRule } from './rule.ts'

/**
 * Rules over metrics as a file of rules for a Prometheus server, as plain JSON, which is YAML too; and the names of those that it
 * cannot judge, because they are over records.
 */
export function toPrometheusRules(rules: readonly AlertRule[]): {
  readonly file: object
  readonly left: readonly string[]
} {
  const written = rules.flatMap(
    ({ name, condition, forMs, keepFiringForMs, severity, labels, annotations }) =>
      condition.source === 'log'
        ? []
        : [
            {
              alert: name,
              expr: toPromql(condition),
              ...(forMs === 0 ? {} : { for: formatDuration(forMs) }),
              ...(keepFiringForMs === 0 ? {} : { keep_firing_for: formatDuration(keepFiringForMs) }),
              labels: { ...labels, severity },
              annotations,
            },
          ],
  )
  return {
    file: { groups: [{ name: 'budao', rules: written }] },
    left: rules.filter(({ condition }) => condition.source === 'log').map(({ name }) => name),
  }
}
