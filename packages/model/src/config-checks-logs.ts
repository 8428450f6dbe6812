import type { Finding } from './config-document.ts'
import { describe } from './config-issues.ts'
import { entries, get } from './config-values.ts'
import { LogFilterError, parseLogFilter } from './log-filter.ts'

/** Filters that cannot be read. */
export function* checkLogs(value: unknown): Generator<Finding> {
  for (const [name, sink] of entries(get(get(value, 'logs'), 'sinks'))) {
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
