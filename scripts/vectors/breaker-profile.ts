import { failure, ignored, success } from '@budao/resilience'
import type { BreakerOptions, BreakerOutcome } from '@budao/resilience'
import { ConfigReader } from './config-reader.ts'
import { outcomeWord } from './outcome-word.ts'
import type { BreakerVector } from './vector-file.ts'

/** A library's rules in the terms of our options: what holds where a vector's configuration is silent. */
interface Profile {
  readonly defaults: BreakerOptions
  /** Buckets of a window of `ms`, when the vector names none. */
  readonly bucketsOf: (ms: number) => number
  /** What a result that says nothing of the upstream is, as a trial and otherwise. */
  readonly ignoredTrial: BreakerOutcome
  readonly ignoredCall: BreakerOutcome
  /** What a call is that the library's own bulkhead turned away. */
  readonly rejectedCall: BreakerOutcome
  /** Whether buckets are counted from the first call, if it is later than one bucket, instead of from t=0. */
  readonly startsAtFirstCall: boolean
  /** Whether the trial that closes is itself the first result of the new window. */
  readonly countsClosingTrial: boolean
}

const ideal: Profile = {
  defaults: {},
  bucketsOf: () => 10,
  ignoredTrial: ignored,
  ignoredCall: ignored,
  rejectedCall: ignored,
  startsAtFirstCall: false,
  countsClosingTrial: false,
}

/** None of these libraries gives a hung trial's permit back by itself. */
const forEver = { trialLeaseMs: Infinity }

const profiles: Readonly<Record<string, Profile>> = {
  ideal,
  hystrix: {
    ...ideal,
    defaults: { ...forEver, windowMs: 10_000, openOp: '>' },
    bucketsOf: (ms) => Math.max(1, Math.round(ms / 500)),
    ignoredTrial: failure,
    rejectedCall: failure,
  },
  resilience4j: {
    ...ideal,
    defaults: {
      ...forEver,
      windowCalls: 100,
      requestVolumeThreshold: 100,
      sleepWindowMs: 60_000,
      openOp: '>',
      trials: 10,
      hungTrial: 'reopen',
    },
    bucketsOf: (ms) => Math.max(1, Math.round(ms / 1_000)),
  },
  opossum: {
    ...ideal,
    defaults: {
      ...forEver,
      windowMs: 10_000,
      requestVolumeThreshold: 0,
      thresholdOp: '>',
      sleepWindowMs: 30_000,
      evaluateOn: 'failure',
      halfOpenOn: 'time',
    },
    ignoredTrial: success,
    ignoredCall: success,
    rejectedCall: failure,
    countsClosingTrial: true,
  },
  cockatiel: {
    ...ideal,
    defaults: {
      ...forEver,
      windowMs: 30_000,
      thresholdOp: '>',
      evaluateOn: 'failure',
      trialJudgement: 'any-failure',
    },
    bucketsOf: (ms) => Math.max(5, Math.ceil(ms / 1_000)),
    ignoredTrial: success,
    startsAtFirstCall: true,
    countsClosingTrial: true,
  },
  polly: {
    ...ideal,
    defaults: {
      ...forEver,
      windowMs: 30_000,
      requestVolumeThreshold: 100,
      errorThresholdPercentage: 10,
      evaluateOn: 'failure',
    },
    bucketsOf: (ms) => (ms < 200 ? 1 : 10),
    ignoredTrial: success,
    ignoredCall: success,
    startsAtFirstCall: true,
  },
  sentinel: {
    ...ideal,
    defaults: { ...forEver, windowMs: 1_000, requestVolumeThreshold: 5, thresholdOp: '>' },
    bucketsOf: () => 1,
    ignoredTrial: success,
    ignoredCall: success,
  },
  polaris: {
    ...ideal,
    defaults: {
      ...forEver,
      windowMs: 60_000,
      sleepWindowMs: 30_000,
      trials: 10,
      trialsToDecide: 3,
      trialJudgement: 'any-failure',
      halfOpenOn: 'time',
    },
  },
}
const otherNames: Readonly<Record<string, string>> = {
  r4j: 'resilience4j',
  'polaris-go': 'polaris',
  budao: 'ideal',
}

/** A vector's breaker: its options, and how its results are to be recorded. */
export interface BreakerPlan {
  readonly options: BreakerOptions
  /** Taken from every time before it reaches the breaker. */
  readonly origin: number
  /** The outcome and duration to record, or null for a word that means nothing here. */
  readonly result: (
    outcome: string,
    durationMs: number,
    isTrial: boolean,
  ) => { outcome: BreakerOutcome; durationMs: number } | null
  /** A started call without a result has failed after this. */
  readonly timeoutMs: number
  readonly countsClosingTrial: boolean
  readonly notes: readonly string[]
}

export function planBreaker(vector: BreakerVector): BreakerPlan {
  const notes: string[] = []
  const name = otherNames[vector.semantics] ?? vector.semantics
  const profile = profiles[name]
  if (profile === undefined)
    notes.push(`semantics "${vector.semantics}" are unknown here, replayed as "ideal"`)
  const used = profile ?? ideal
  const config = new ConfigReader(vector.config, notes)
  const { options, timeoutMs } = readOptions(config, used, name)
  config.noteUnread()
  const first = vector.events[0]?.t ?? 0
  const bucketMs = (options.windowMs ?? 0) / (options.buckets ?? 1)
  return {
    options,
    origin: used.startsAtFirstCall && first >= bucketMs ? first : Math.min(0, first),
    timeoutMs,
    countsClosingTrial: used.countsClosingTrial,
    result: (outcome, durationMs, isTrial) => {
      const word = outcomeWord(outcome)
      const slowest = options.slowCallMs ?? Infinity
      switch (word) {
        case 'success':
          return { outcome: durationMs > timeoutMs ? failure : success, durationMs }
        case 'failure':
          return { outcome: failure, durationMs }
        case 'slow':
          return {
            outcome: success,
            durationMs: Math.max(durationMs, slowest === Infinity ? 0 : slowest + 1),
          }
        case 'rejected':
          return { outcome: used.rejectedCall, durationMs }
        case 'ignored':
          return { outcome: isTrial ? used.ignoredTrial : used.ignoredCall, durationMs }
        case 'unknown':
          return null
      }
    },
    notes,
  }
}

function readOptions(
  config: ConfigReader,
  profile: Profile,
  name: string,
): { options: BreakerOptions; timeoutMs: number } {
  const options: { -readonly [key in keyof BreakerOptions]: BreakerOptions[key] } = { ...profile.defaults }
  const put = <Key extends keyof BreakerOptions>(key: Key, value: BreakerOptions[Key] | undefined): void => {
    if (value !== undefined) options[key] = value
  }

  const window = config.inner('window')
  const size = window.number('size', 'calls', 'n', 'count')
  const ms = window.number('ms', 'durationMs', 'windowMs')
  const type = window.text('type') ?? (size === undefined || ms !== undefined ? 'time' : 'count')
  const tickMs = window.number('healthTickMs', 'bucketMs')
  const buckets = window.number('buckets')
  let minCalls = config.number(
    'minCalls',
    'minimumCalls',
    'minimumNumberOfCalls',
    'volumeThreshold',
    'minimumThroughput',
  )
  put('windowMs', ms)
  const windowMs = options.windowMs ?? 5_000
  if (type === 'count' || type === 'consecutive') {
    put('windowCalls', size ?? 100)
    if (name === 'cockatiel' || type === 'consecutive') minCalls ??= options.windowCalls
    if (type === 'consecutive') options.errorThresholdPercentage = 100
  } else if (ms !== undefined || window.present) {
    delete options.windowCalls
  }
  options.buckets =
    type === 'tumbling'
      ? 1
      : tickMs === undefined
        ? (buckets ?? profile.bucketsOf(windowMs))
        : Math.round(windowMs / tickMs)

  const minPerSecond = config.number('minimumRps', 'minRps')
  if (minPerSecond !== undefined) minCalls ??= Math.ceil((minPerSecond * windowMs) / 1_000)
  put('requestVolumeThreshold', minCalls)
  const ratio = config.number('thresholdRatio', 'threshold')
  put(
    'errorThresholdPercentage',
    config.number('thresholdPct', 'errorThresholdPct') ?? (ratio === undefined ? ratio : ratio * 100),
  )
  put('thresholdOp', config.operator('thresholdOp'))
  put('sleepWindowMs', config.number('openMs', 'sleepMs', 'sleepWindowMs', 'resetTimeoutMs'))
  put('openOp', config.operator('openOp'))
  const evaluate = config.text('evaluate')
  if (evaluate !== undefined) options.evaluateOn = /fail/.test(evaluate) ? 'failure' : 'result'
  put('halfOpenOn', halfOpenOn(config))

  const permits = config.number('halfOpenPermits', 'permits', 'trials', 'halfOpenCalls')
  if (permits !== undefined) {
    options.trials = Math.min(31, permits)
    if (permits > 31) config.note(`halfOpenPermits: ${permits} is more than our 31`)
    if (options.trialsToDecide !== undefined)
      options.trialsToDecide = Math.min(options.trialsToDecide, options.trials)
  }
  const trials = options.trials ?? 1
  if (name === 'resilience4j') {
    options.trialsToDecide = Math.max(1, Math.min(trials, options.requestVolumeThreshold ?? 100))
  }
  const successes = config.number(
    'halfOpenSuccesses',
    'successesToClose',
    'successThreshold',
    'closeAfter',
    'consecutiveSuccesses',
  )
  if (successes !== undefined) {
    options.trials = Math.max(trials, Math.min(31, successes))
    options.trialsToDecide = Math.min(31, successes)
    options.trialJudgement = 'any-failure'
  }
  const maxMs = config.number('halfOpenMaxMs')
  const leaseMs = config.number(
    'trialLeaseMs',
    'leaseMs',
    'halfOpenLeaseMs',
    'permitLeaseMs',
    'trialTimeoutMs',
  )
  const lease = leaseMs ?? maxMs
  // Zero is how resilience4j says never.
  if (lease !== undefined) options.trialLeaseMs = lease > 0 ? lease : Infinity
  if (leaseMs !== undefined) options.hungTrial = 'release'
  const hung = config.text('hungTrial')
  if (hung !== undefined) options.hungTrial = /open/.test(hung) ? 'reopen' : 'release'

  const slow = config.inner('slow')
  put('slowCallMs', slow.number('ms', 'callMs', 'durationMs') ?? config.number('slowCallMs'))
  put('slowCallPercentage', slow.number('ratePct', 'thresholdPct', 'pct') ?? config.number('slowCallPct'))
  slow.noteUnread()
  window.noteUnread()
  return { options, timeoutMs: config.number('timeoutMs', 'callTimeoutMs', 'executionTimeoutMs') ?? Infinity }
}

function halfOpenOn(config: ConfigReader): 'call' | 'time' | undefined {
  const automatic = config.flag('automaticTransition', 'autoHalfOpen')
  return automatic === undefined ? undefined : automatic ? 'time' : 'call'
}
