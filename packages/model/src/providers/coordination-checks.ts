import type { Finding, Path } from '../config-document.ts'
import { get, items } from '../config-values.ts'

/** What each kind of store needs, and what another one has. */
export function* checkCoordination(path: Path, store: unknown): Generator<Finding> {
  const has = (key: string): boolean => get(store, key) !== undefined
  if (get(store, 'type') === 'sqlite') {
    if ((get(store, 'path') ?? '') === '')
      yield { path, message: '`path` is missing', expected: 'the file that all nodes open' }
    for (const key of ['endpoints', 'prefix', 'timeout', 'user', 'password', 'tls'].filter(has))
      yield { path: [...path, key], message: 'nothing for a file', expected: '`path` alone' }
  }
  if (get(store, 'type') !== 'etcd') return
  if (has('path')) yield { path: [...path, 'path'], message: 'only with sqlite', expected: '`endpoints`' }
  if (items(get(store, 'endpoints')).length === 0)
    yield { path, message: '`endpoints` is missing', expected: 'its members, such as [http://10.0.0.1:2379]' }
  if (has('user') !== has('password'))
    yield { path, message: 'half an identity', expected: '`user` and `password`, or neither' }
  const tls = get(store, 'tls')
  if ((get(tls, 'cert') === undefined) !== (get(tls, 'key') === undefined))
    yield { path: [...path, 'tls'], message: 'half a certificate', expected: '`cert` and `key`, or neither' }
}
