/** How a breaker decides. Times in milliseconds, rates in percent. What is left out has the default named here. */
export interface BreakerOptions {
  /** Length of the rolling window. Default 5000. */
  readonly windowMs?: number
  /** Steps in which the window forgets, 1 to 1000; 1 makes it tumble. Default 10. */
  readonly buckets?: number
  /** Looks at the last so many results instead of a span of time (1 to 1000). Default off. */
  readonly windowCalls?: number
  /** Fewer results than this in the window decide nothing. Default 20, at most `windowCalls`. */
  readonly requestVolumeThreshold?: number
  /** Share of failures at which the breaker opens. Default 50. */
  readonly errorThresholdPercentage?: number
  /** Whether a rate equal to its threshold opens (`>=`, default), or only one above it. */
  readonly thresholdOp?: '>=' | '>'
  /** How long an open breaker rejects before it lets a trial through, up to 7 days. Default 5000. */
  readonly sleepWindowMs?: number
  /** Whether the sleep is over at its very last millisecond (`>=`, default), or after it. */
  readonly openOp?: '>=' | '>'
  /** Calls let through while half-open, 1 to 31. Default 1. */
  readonly trials?: number
  /** Trial results needed to decide. Default `trials`. */
  readonly trialsToDecide?: number
  /** Whether the trials are judged by the thresholds together (`rate`, default), or any failure opens again at once. */
  readonly trialJudgement?: 'rate' | 'any-failure'
  /**
   * How long a trial may stay without a result, up to 7 days; Infinity waits for ever. Default: the sleep window, but
   * not under 10 s, so that a hung upstream is tried no oftener than a failing one, and an answer that takes as
   * long as a request may is still waited for. Set it above the longest a call may take: a shorter lease
   * gives the permit away while the answer that would close the breaker is under way.
   */
  readonly trialLeaseMs?: number
  /**
   * What the lease's end does: `release` (default) gives the permit to the next call; `reopen` opens the breaker for
   * another sleep, and counts the lease from when the breaker became half-open.
   */
  readonly hungTrial?: 'release' | 'reopen'
  /** A call that takes longer than this is slow, whatever its outcome. Default Infinity: off. */
  readonly slowCallMs?: number
  /** Share of slow calls at which the breaker opens; 100 is always reached by nothing but slow calls. Default 100. */
  readonly slowCallPercentage?: number
  /** Whether every result is weighed (`result`, default), or a success never opens the breaker. */
  readonly evaluateOn?: 'result' | 'failure'
  /** Whether a call after the sleep makes the breaker half-open (default), or the time alone, seen by `observe`. */
  readonly halfOpenOn?: 'call' | 'time'
}

/** Options with every default filled in. */
export type BreakerSettings = Required<BreakerOptions>

const sevenDaysMs = 7 * 86_400_000

/**
 * Fills in the defaults. Throws a RangeError that names the option and what it may be: behind a checked
 * configuration this is a bug of the caller.
 */
export function breakerSettings(options: BreakerOptions): BreakerSettings {
  const windowCalls = options.windowCalls ?? 0
  const trials = options.trials ?? 1
  const sleepWindowMs = options.sleepWindowMs ?? 5_000
  const volume = options.requestVolumeThreshold ?? 20
  const settings: BreakerSettings = {
    windowMs: options.windowMs ?? 5_000,
    buckets: options.buckets ?? 10,
    windowCalls,
    requestVolumeThreshold: windowCalls > 0 ? Math.min(volume, windowCalls) : volume,
    errorThresholdPercentage: options.errorThresholdPercentage ?? 50,
    thresholdOp: options.thresholdOp ?? '>=',
    sleepWindowMs,
    openOp: options.openOp ?? '>=',
    trials,
    trialsToDecide: options.trialsToDecide ?? trials,
    trialJudgement: options.trialJudgement ?? 'rate',
    trialLeaseMs: options.trialLeaseMs ?? Math.max(sleepWindowMs, 10_000),
    hungTrial: options.hungTrial ?? 'release',
    slowCallMs: options.slowCallMs ?? Infinity,
    slowCallPercentage: options.slowCallPercentage ?? 100,
    evaluateOn: options.evaluateOn ?? 'result',
    halfOpenOn: options.halfOpenOn ?? 'call',
  }
  within('windowMs', settings.windowMs, 1, sevenDaysMs)
  whole('buckets', settings.buckets, 1, 1_000)
  whole('windowCalls', windowCalls, 0, 1_000)
  whole('requestVolumeThreshold', volume, 0, 2 ** 30)
  within('errorThresholdPercentage', settings.errorThresholdPercentage, 0, 100)
  within('sleepWindowMs', sleepWindowMs, 0, sevenDaysMs)
  whole('trials', trials, 1, 31)
  whole('trialsToDecide', settings.trialsToDecide, 1, trials)
  if (settings.trialLeaseMs !== Infinity) within('trialLeaseMs', settings.trialLeaseMs, 1, sevenDaysMs)
  within('slowCallMs', settings.slowCallMs, 0, Infinity)
  within('slowCallPercentage', settings.slowCallPercentage, 0, 100)
  return settings
}

function within(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new RangeError(`${name}: expected ${min} to ${max}, got ${value}`)
}

function whole(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value)) throw new RangeError(`${name}: expected a whole number, got ${value}`)
  within(name, value, min, max)
}
