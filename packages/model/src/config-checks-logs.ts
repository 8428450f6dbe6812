import type { Finding } from './config-document.ts'
import { describe } from './config-issues.ts'
import { entries, get } from './config-values.ts'
import { checkLogSink } from './providers/log-sink-checks.ts'
import { LogFilterError, parseLogFilter } from './log-filter.ts'

/** Filters that cannot be read, and sinks that cannot be reached so. */
export function* checkLogs(value: unknown): Generator<Finding> {
  for (const [name, sink] of entries(get(get(value, 'logs'), 'sinks'))) {
    yield* checkLogSink(['logs', 'sinks', name], sink)
    const filter = get(sink, 'filter')
    if (typeof filter !== 'string') continue
    try {
      parseLogFilter(filter)
    } catch (error) {
      if (!(error instanceof LogFilterError)) throw error
      yield {
        path: ['logs', 'sinks', name, 'filter'],
        message: `cannot be read at column ${error.column}`,
        expected: error.expected,
        found: describe(filter),
      }
    }
  }
}
