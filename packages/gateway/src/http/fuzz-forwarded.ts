import { normalizeTarget } from '../routing/path.ts'
import type { ReadMessage } from './fuzz-readings.ts'

/** For this hop, or claims about those before it that an untrusted client cannot make. */
const NEVER_FORWARDED = [
  ...[
    'connection',
    'keep-alive',
    'te',
    'upgrade',
    'expect',
    'http2-settings',
    'proxy-connection',
    'proxy-authorization',
    'transfer-encoding',
  ],
  ...['forwarded', 'x-real-ip', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-request-id'],
]
/** Connection may name these as often as it likes. */
const ALWAYS_FORWARDED = [
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'authorization',
  'cookie',
  'cache-control',
  'traceparent',
]

/** What a backend must receive of a request, but for the lines the gateway adds: written from the rules, not from the code under test. */
export function forwarded(message: ReadMessage): ReadMessage {
  const named = message.headers
    .filter(([name]) => name.toLowerCase() === 'connection')
    .flatMap(([, value]) => value.toLowerCase().split(','))
    .map((option) => option.replace(/^[ \t]+|[ \t]+$/g, ''))
    .filter((option) => !ALWAYS_FORWARDED.includes(option))
  let traced = false
  const headers = message.headers.filter(([name, value]) => {
    const lower = name.toLowerCase()
    if (lower !== 'traceparent') return !NEVER_FORWARDED.includes(lower) && !named.includes(lower)
    const first = !traced && /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(value)
    traced ||= first
    return first
  })
  const target = message.target === '*' ? null : normalizeTarget(message.target)
  const path =
    target === null ? message.target : target.query === '' ? target.path : `${target.path}?${target.query}`
  return { ...message, target: path, headers }
}
