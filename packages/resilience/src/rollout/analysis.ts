/** What a number may be. Both ends are allowed; absent: anything. */
export interface Within {
  readonly min?: number
  readonly max?: number
}

/** What is asked of one number. */
export interface AnalysisRules extends Within {
  /** Of what it is for stable. */
  readonly ofStable?: Within
  /** Milliseconds between measurements. */
  readonly interval: number
  /** Measurements of one step that may be outside. */
  readonly failures: number
}

/**
 * value    there is one, of the release and, where it is compared, of stable. `holds`: a condition that must not hold does
 * nothing  nobody answered, or with what is no number
 */
export type Measured =
  | {
      readonly kind: 'value'
      readonly value: number
      readonly stable: number | null
      readonly holds: boolean
    }
  | { readonly kind: 'nothing'; readonly why: string }

/** What is known of one number at this step, as plain JSON. */
export interface AnalysisState {
  /** Milliseconds since 1970; null before the first measurement. */
  readonly at: number | null
  readonly outcome: 'none' | 'within' | 'outside' | 'silent'
  /** The last ones that there were. */
  readonly value: number | null
  readonly stable: number | null
  readonly failures: number
  /** Why it is as it is, for people. */
  readonly why: string
}

/** What all numbers together say. */
export type AnalysisVerdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'hold'; readonly cause: 'analysis-silent' | 'analysis-outside'; readonly why: string }
  | { readonly kind: 'abort'; readonly why: string }

/** A step begins: each needs measurements of its own. */
export const notMeasured: AnalysisState = {
  at: null,
  outcome: 'none',
  value: null,
  stable: null,
  failures: 0,
  why: 'not measured at this step yet',
}

/** Without a new one for so many intervals the last measurement says nothing any more. */
const staleIntervals = 3

/** Takes one measurement. What is no number is no failure, and no success either. */
export function takeMeasurement(
  before: AnalysisState,
  measured: Measured,
  rules: AnalysisRules,
  wall: number,
): AnalysisState {
  if (measured.kind === 'nothing') return { ...before, at: wall, outcome: 'silent', why: measured.why }
  const { value, stable } = measured
  const why = problemOf(measured, rules)
  const known = { ...before, at: wall, value, stable }
  if (why === 'no-stable') return { ...known, outcome: 'silent', why: 'there is no number of stable above 0' }
  if (why === null) return { ...known, outcome: 'within', why: '' }
  return { ...known, outcome: 'outside', failures: before.failures + 1, why }
}

/** One number outside too often sends back; one that is outside, or not known, holds. */
export function judgeAnalyses(
  states: Readonly<Record<string, AnalysisState>>,
  rules: Readonly<Record<string, AnalysisRules>>,
  wall: number,
): AnalysisVerdict {
  let hold: AnalysisVerdict = { kind: 'pass' }
  for (const [name, rule] of Object.entries(rules)) {
    const state = states[name] ?? notMeasured
    if (state.failures > rule.failures)
      return {
        kind: 'abort',
        why: `${name} ${state.why}: ${state.failures} measurements outside, ${rule.failures} allowed`,
      }
    const stale = state.at !== null && wall - state.at > staleIntervals * rule.interval
    if (state.outcome === 'outside' && !stale)
      hold = { kind: 'hold', cause: 'analysis-outside', why: `${name} ${state.why}` }
    else if (hold.kind === 'pass' && (stale || state.outcome === 'none' || state.outcome === 'silent'))
      hold = {
        kind: 'hold',
        cause: 'analysis-silent',
        why: `${name}: ${stale ? 'not measured lately' : state.why}`,
      }
  }
  return hold
}

/** Why a measurement is outside; null: it is not. */
function problemOf(
  { value, stable, holds }: Extract<Measured, { kind: 'value' }>,
  rules: AnalysisRules,
): string | null {
  if (holds) return `is ${shown(value)}, which its condition forbids`
  const own = outside(value, rules)
  if (own !== null) return `is ${shown(value)}, ${own}`
  if (rules.ofStable === undefined) return null
  if (stable === null || stable <= 0) return 'no-stable'
  const part = outside(value / stable, rules.ofStable)
  return part === null ? null : `is ${shown(value / stable)} of what it is for stable, ${part}`
}

function outside(value: number, { min, max }: Within): string | null {
  if (min !== undefined && value < min) return `at least ${min} is asked`
  if (max !== undefined && value > max) return `at most ${max} is asked`
  return null
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)))
}
