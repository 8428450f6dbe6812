import type { LabelSet } from '../alerts/labels.ts'

/** What a template may say of the alert that it is of. */
export interface TemplateFacts {
  readonly labels: LabelSet
  readonly value: number
}

const expression = /\{\{(.*?)\}\}/gs
const label = /^\$labels\.([a-zA-Z_][a-zA-Z0-9_]*)$/

/**
 * Fills in `{{ $labels.name }}` and `{{ $value }}`, as rules of Prometheus have them. A label that is not there is empty. What
 * `templateProblem` refuses stays as it is.
 */
export function fillTemplate(text: string, { labels, value }: TemplateFacts): string {
  if (!text.includes('{{')) return text
  return text.replace(expression, (written, inner: string) => {
    const wanted = inner.trim()
    if (wanted === '$value') return formatValue(value)
    const [, name] = label.exec(wanted) ?? []
    return name === undefined ? written : (labels[name] ?? '')
  })
}

/** What a template holds that is not known, as it is written; undefined where everything is. */
export function templateProblem(text: string): string | undefined {
  for (const [written, inner] of text.matchAll(expression))
    if (inner!.trim() !== '$value' && !label.test(inner!.trim())) return written
  return undefined
}

/** A number as Go prints it by itself, so that texts are those of Prometheus: with an exponent from 1e+06 on, and below 0.0001. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    const [mantissa, exponent = ''] = value.toExponential().split('e')
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
  }
  return Object.is(value, -0) ? '-0' : String(value)
}
