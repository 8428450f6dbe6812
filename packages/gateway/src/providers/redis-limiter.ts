import { hash } from 'node:crypto'
import type { LimitVerdict, SharedLimit, SharedLimiter } from '../stores/store.ts'
import type { RedisConnection, RedisScript } from './redis-connection.ts'

/**
 * GCRA (see `RateLimiter` of @budao/resilience) as one step of the server, by the server's clock: gateways whose clocks
 * differ count alike. A key holds one number, the theoretical arrival time in microseconds since 2025 (a double
 * counts those to a hundredth), and expires when its debt is paid. A server clock set back leaves nobody locked out for longer than a burst.
 *
 * ARGV: microseconds between two requests, burst. Answers: microseconds to wait, 0 when admitted; how many are left.
 */
const source = `
local time = redis.call('TIME')
local now = (time[1] - 1735689600) * 1000000 + time[2]
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local span = interval * burst
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
if tat > now + span then tat = now + span end
local over = tat + interval - now - span
if over > interval / 100 then return { math.ceil(over), 0 } end
tat = tat + interval
redis.call('SET', KEYS[1], string.format('%.17g', tat), 'PX', math.ceil((tat - now) / 1000) + 1)
return { 0, math.floor((now + span - tat) / interval + 0.01) }
`

const script: RedisScript = { source, digest: hash('sha1', source) }

/** One limit over the keys of a Redis server. What a key says of a client is hashed: it never leaves the gateway. */
export class RedisLimiter implements SharedLimiter {
  readonly #connection: RedisConnection
  readonly #prefix: string
  readonly #args: readonly [intervalUs: number, burst: number]

  constructor(connection: RedisConnection, keyPrefix: string, limit: SharedLimit) {
    this.#connection = connection
    this.#prefix = `${keyPrefix}limit:${limit.name}:`
    this.#args = [(limit.perMs * 1000) / limit.requests, limit.burst]
  }

  async take(key: string): Promise<LimitVerdict> {
    const name = this.#prefix + hash('sha256', key, 'base64url')
    const [waitUs, left] = (await this.#connection.run(script, [name], this.#args)) as [number, number]
    return { waitMs: waitUs / 1000, left }
  }
}
