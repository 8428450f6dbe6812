import type { Finding, Path } from '../config-document.ts'
import { get } from '../config-values.ts'
import { checkBrokerAccess } from './broker-access-checks.ts'

/** What one kind of sink needs. */
export function* checkLogSink(path: Path, sink: unknown): Generator<Finding> {
  yield* checkBrokerAccess([...path, 'kafka'], get(sink, 'kafka'))
}
