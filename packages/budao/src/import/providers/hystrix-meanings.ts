import type { NoteKind } from '../imported.ts'

/** What a setting means for a service. */
export interface Meaning {
  /** Where its value goes; absent: nowhere, or it is looked at by name. */
  readonly path?: readonly string[]
  readonly as?: 'ms' | 'count' | 'flag' | 'text'
  /** What is told of it wherever it stands. */
  readonly note?: readonly [kind: NoteKind, reason: string]
}

const percentile: Meaning = { note: ['default', 'latencies are in /metrics'] }
const fallback: Meaning = { note: ['lost', 'see fallback of a route'] }
const queue: Meaning = {
  as: 'count',
  note: ['lost', 'nothing waits for a place: beyond limits.concurrency is answered 503 at once'],
}
const force: Meaning = { as: 'flag', note: ['lost', 'breakers are forced by the admin API, not by a file'] }

/** Every setting of a command or thread pool, by the end of its name. */
export const meanings: Readonly<Record<string, Meaning>> = {
  'command.execution.isolation.strategy': { as: 'text' },
  'command.execution.isolation.thread.timeoutInMilliseconds': { path: ['timeouts', 'request'], as: 'ms' },
  'command.execution.timeout.enabled': { as: 'flag' },
  'command.execution.isolation.thread.interruptOnTimeout': {
    note: ['default', 'a request that is late is always cancelled'],
  },
  'command.execution.isolation.thread.interruptOnFutureCancel': {
    note: ['default', 'a request whose client goes away is always cancelled'],
  },
  'command.execution.isolation.thread.interruptOnCancel': {
    note: ['default', 'a request whose client goes away is always cancelled'],
  },
  'command.execution.isolation.semaphore.maxConcurrentRequests': { as: 'count' },
  'command.fallback.isolation.semaphore.maxConcurrentRequests': fallback,
  'command.fallback.enabled': fallback,
  'command.circuitBreaker.enabled': { as: 'flag' },
  'command.circuitBreaker.requestVolumeThreshold': {
    path: ['breaker', 'requestVolumeThreshold'],
    as: 'count',
  },
  'command.circuitBreaker.sleepWindowInMilliseconds': { path: ['breaker', 'sleepWindow'], as: 'ms' },
  'command.circuitBreaker.errorThresholdPercentage': {
    path: ['breaker', 'errorThresholdPercentage'],
    as: 'count',
  },
  'command.circuitBreaker.forceOpen': force,
  'command.circuitBreaker.forceClosed': force,
  'command.metrics.rollingStats.timeInMilliseconds': { path: ['breaker', 'window'], as: 'ms' },
  'command.metrics.rollingStats.numBuckets': { path: ['breaker', 'buckets'], as: 'count' },
  'command.metrics.rollingPercentile.enabled': percentile,
  'command.metrics.rollingPercentile.timeInMilliseconds': percentile,
  'command.metrics.rollingPercentile.numBuckets': percentile,
  'command.metrics.rollingPercentile.bucketSize': percentile,
  'command.metrics.healthSnapshot.intervalInMilliseconds': {
    note: ['default', 'a breaker decides at every call'],
  },
  'command.requestCache.enabled': { note: ['lost', 'see cache in the reference'] },
  'command.requestLog.enabled': { note: ['lost', 'see the filter accessLog'] },
  'threadpool.coreSize': { as: 'count' },
  'threadpool.maximumSize': { as: 'count' },
  'threadpool.allowMaximumSizeToDivergeFromCoreSize': { as: 'flag' },
  'threadpool.maxQueueSize': queue,
  'threadpool.queueSizeRejectionThreshold': queue,
  'threadpool.keepAliveTimeMinutes': { note: ['default', 'there are no threads to keep'] },
  'threadpool.metrics.rollingStats.timeInMilliseconds': percentile,
  'threadpool.metrics.rollingStats.numBuckets': percentile,
}
