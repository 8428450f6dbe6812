import type { Written } from '../imported.ts'
import type { Notes } from '../notes.ts'
import type { Scope } from './nginx-scope.ts'
import type { Directive } from './nginx-syntax.ts'
import { textOf } from './nginx-upstream.ts'
import { parameter, sizeBytes } from './nginx-values.ts'

/** A `limit_req_zone`. */
interface Zone {
  readonly key: string
  readonly requests: number
  readonly per: string
  readonly keysMax: number
}

/** A megabyte of a zone holds about 16 000 clients. */
const keysPerByte = 16_000 / 1_048_576
const keysMaxOfAll = 1_048_576

/** Zones by name. */
export function readZones(directives: readonly Directive[], notes: Notes): Map<string, Zone> {
  const zones = new Map<string, Zone>()
  for (const directive of directives) {
    const [written = '', ...args] = directive.args
    const [zone = '', size = ''] = (parameter(args, 'zone') ?? '').split(':')
    const [, count, unit] = /^(\d+)r\/([sm])$/.exec(parameter(args, 'rate') ?? '') ?? []
    const key = limitKey(written)
    if (key === undefined || count === undefined) {
      const reason =
        key === undefined
          ? 'only an address, a header or a cookie can be counted'
          : 'the rate is not readable'
      notes.add('lost', directive, textOf(directive), reason)
      continue
    }
    const keysMax = Math.min(
      keysMaxOfAll,
      Math.max(1, Math.round((sizeBytes(size) ?? 1_048_576) * keysPerByte)),
    )
    zones.set(zone, { key, requests: Number(count), per: unit === 's' ? '1s' : '1m', keysMax })
  }
  return zones
}

/** The filters of the `limit_req` that hold in a location. */
export function readLimits(scope: Scope, zones: ReadonlyMap<string, Zone>, notes: Notes): Written[] {
  scope.one('limit_req_status')
  scope.one('limit_req_log_level')
  return scope.all('limit_req').flatMap((directive) => {
    const zone = zones.get(parameter(directive.args, 'zone') ?? '')
    if (zone === undefined) {
      notes.add('lost', directive, textOf(directive), 'its zone is not carried over')
      return []
    }
    // nginx lets `burst` requests through beside the one that the rate allows.
    const burst = Number(parameter(directive.args, 'burst') ?? 0) + 1
    const { key, requests, per, keysMax } = zone
    if (directive.args.includes('nodelay') || burst === 1) {
      notes.add('changed', directive, textOf(directive), 'is answered 429 with Retry-After')
    } else {
      notes.add(
        'changed',
        directive,
        textOf(directive),
        'a burst passes at once instead of being delayed; beyond it 429',
      )
    }
    return [{ rateLimit: { key, requests, per, burst, keysMax } }]
  })
}

function limitKey(written: string): string | undefined {
  if (/^\$(binary_)?remote_addr$/.test(written)) return 'ip'
  if (written === '$server_name' || written === '') return 'route'
  const [, kind, name = ''] = /^\$(http|cookie)_(\w+)$/.exec(written) ?? []
  if (kind === 'cookie') return `cookie:${name}`
  return kind === 'http' ? `header:${name.replaceAll('_', '-')}` : undefined
}
