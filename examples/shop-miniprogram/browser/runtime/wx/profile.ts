/** What a browser keeps of requests before it forgets new ones (Resource Timing: 250). */
const keptMax = 200

/**
 * The stages of the request of this URL that began no earlier than `beganAt` (of `performance.now`), in WeChat's names and
 * milliseconds since 1970; undefined where the browser tells of none.
 */
export function profileOf(url: string, beganAt: number): Record<string, unknown> | undefined {
  const timings = performance.getEntriesByName(url, 'resource') as PerformanceResourceTiming[]
  const timing = timings.findLast(({ startTime }) => startTime >= beganAt)
  if (performance.getEntriesByType('resource').length > keptMax) performance.clearResourceTimings()
  // A server of another origin has to allow it (Timing-Allow-Origin).
  if (timing === undefined || timing.requestStart === 0) return undefined
  const at = (ms: number): number => Math.round(performance.timeOrigin + ms)
  const socketReused = timing.connectEnd === timing.connectStart
  const isTls = timing.secureConnectionStart > 0 && !socketReused
  return {
    fetchStart: at(timing.fetchStart),
    domainLookUpStart: at(timing.domainLookupStart),
    domainLookUpEnd: at(timing.domainLookupEnd),
    connectStart: at(timing.connectStart),
    connectEnd: at(timing.connectEnd),
    SSLconnectionStart: isTls ? at(timing.secureConnectionStart) : 0,
    SSLconnectionEnd: isTls ? at(timing.connectEnd) : 0,
    requestStart: at(timing.requestStart),
    requestEnd: at(timing.requestStart),
    responseStart: at(timing.responseStart),
    responseEnd: at(timing.responseEnd),
    receivedBytedCount: timing.encodedBodySize,
    protocol: timing.nextHopProtocol,
    socketReused,
  }
}
