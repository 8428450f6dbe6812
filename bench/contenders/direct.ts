import type { Contender } from './contender.ts'

/** No proxy: what the load and one backend can do on their core. Nothing behind a proxy can be faster. */
export const direct: Contender = {
  name: 'direct',
  find: async () => ({ kind: 'found', program: '', version: '' }),
  lacks: (front) =>
    front.tls ? 'the backends speak no TLS' : front.filters ? 'the backends have no filters' : undefined,
  prepare: () => undefined,
}
