import type { Finding, Path } from '../config-document.ts'
import { get } from '../config-values.ts'

/** A certificate without its key. */
export function* checkBrokerAccess(path: Path, access: unknown): Generator<Finding> {
  const tls = get(access, 'tls')
  if ((get(tls, 'cert') === undefined) !== (get(tls, 'key') === undefined))
    yield { path: [...path, 'tls'], message: 'half a certificate', expected: '`cert` and `key`, or neither' }
}
