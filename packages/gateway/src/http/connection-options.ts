import type { Fields } from './fields.ts'

/** Headers that a Connection header cannot turn into hop-by-hop ones, or a client could strip them from the request. */
const END_TO_END: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'authorization',
  'cookie',
  'set-cookie',
  'cache-control',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-request-id',
  'x-real-ip',
  'forwarded',
  'traceparent',
])

/**
 * Reads one Connection header of several options and drops the headers it names, since they are meant for this hop
 * (RFC 9110 §7.6.1). Returns what it says of the connection itself; `close` wins over `keep-alive`.
 */
export function readConnectionOptions(fields: Fields, index: number): 'close' | 'keep-alive' | null {
  const options = fields
    .value(index)
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/)
  for (let i = 0; i < fields.count; i++) {
    const name = fields.name(i).toLowerCase()
    if (options.includes(name) && !END_TO_END.has(name) && !fields.dropped.includes(i)) fields.dropped.push(i)
  }
  fields.dropped.sort((a, b) => a - b)
  return options.includes('close') ? 'close' : options.includes('keep-alive') ? 'keep-alive' : null
}
