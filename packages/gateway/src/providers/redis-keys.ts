import { hash } from 'node:crypto'
import type {
  ClaimAnswer,
  FirstResult,
  KeyClaim,
  KeyOwner,
  KeyStore,
  Settlement,
} from '../idempotency/key-store.ts'
import { StoreAway } from '../stores/store.ts'
import type { RedisConnection, RedisScript } from './redis-connection.ts'

/**
 * `judgeClaim` of @budao/resilience as one step of the server, by the server's clock: gateways whose clocks differ agree on
 * leases. A key is a hash: f fingerprint, s state, o owner, u end of the lease in milliseconds, m and b head and body of the result.
 *
 * ARGV: fingerprint, owner, lease, time to live, 1 when uncertain keys are taken. Answers: kind; then 1 when the write may have been done
 * before, or head and body of the result.
 */
const claimSource = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'f', 's', 'u')
local again = 0
if found[1] then
  if found[1] ~= ARGV[1] then return { 'other-request' } end
  if found[2] == 'kept' then
    local result = redis.call('HMGET', KEYS[1], 'm', 'b')
    return { 'kept', result[1], result[2] }
  end
  if found[2] == 'claimed' and now < tonumber(found[3]) then return { 'in-progress' } end
  if ARGV[5] ~= '1' then return { 'uncertain' } end
  again = 1
end
local untilMs = string.format('%.0f', now + ARGV[3])
redis.call('HSET', KEYS[1], 'f', ARGV[1], 's', 'claimed', 'o', ARGV[2], 'u', untilMs)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[3] + ARGV[4]))
return { 'claimed', again }
`

/**
 * `maySettle` of @budao/resilience as one step of the server.
 *
 * ARGV: keep, release or doubt; fingerprint, owner, time to live, then head and body of the result. Answers: head and body of an earlier result
 * that stands.
 */
const settleSource = `
local found = redis.call('HMGET', KEYS[1], 's', 'o')
local state = found[1]
if state == 'kept' then return redis.call('HMGET', KEYS[1], 'm', 'b') end
local may = ARGV[1] == 'keep' or (state == 'claimed' and found[2] == ARGV[3])
if not may then return {} end
redis.call('DEL', KEYS[1])
if ARGV[1] == 'release' then return {} end
if ARGV[1] == 'doubt' then
  redis.call('HSET', KEYS[1], 'f', ARGV[2], 's', 'uncertain')
else
  redis.call('HSET', KEYS[1], 'f', ARGV[2], 's', 'kept', 'm', ARGV[5])
  if ARGV[6] then redis.call('HSET', KEYS[1], 'b', ARGV[6]) end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {}
`

const claimScript: RedisScript = { source: claimSource, digest: hash('sha1', claimSource) }
const settleScript: RedisScript = { source: settleSource, digest: hash('sha1', settleSource) }

type Parts = readonly (Buffer | null | undefined)[]

/** Keys of writes on a Redis server: `PREFIXwrite:NAME:ID`. */
export class RedisKeys implements KeyStore {
  readonly #connection: RedisConnection
  readonly #prefix: string

  constructor(connection: RedisConnection, keyPrefix: string) {
    this.#connection = connection
    this.#prefix = `${keyPrefix}write:`
  }

  get here(): boolean {
    return this.#connection.here
  }

  passedBy(): void {
    this.#connection.passedBy()
  }

  async claim(claim: KeyClaim): Promise<ClaimAnswer> {
    const { fingerprint, owner, leaseMs, ttlMs, takesUncertain } = claim
    const args = [fingerprint, owner, leaseMs, ttlMs, takesUncertain ? 1 : 0]
    const found = (await this.#connection.runBuffers(claimScript, [this.#keyOf(claim)], args)) as [
      Buffer,
      ...unknown[],
    ]
    const kind = found[0].toString('latin1') as ClaimAnswer['kind']
    if (kind === 'claimed') return { kind, again: found[1] === 1 }
    if (kind !== 'kept') return { kind }
    return { kind, result: resultOf(found.slice(1) as Parts)! }
  }

  async settle(owner: KeyOwner, settlement: Settlement): Promise<FirstResult | null> {
    const args: (string | number | Buffer)[] = [settlement.kind, owner.fingerprint, owner.owner]
    if (settlement.kind !== 'release') args.push(Math.ceil(settlement.ttlMs))
    if (settlement.kind === 'keep') {
      const { body, ...head } = settlement.result
      args.push(JSON.stringify(head))
      if (body !== null) args.push(Buffer.from(body, 'latin1'))
    }
    const found = await this.#connection.runBuffers(settleScript, [this.#keyOf(owner)], args)
    return resultOf(found as Parts)
  }

  #keyOf({ name, id }: Pick<KeyOwner, 'name' | 'id'>): string {
    return `${this.#prefix}${name}:${id}`
  }
}

/** Null for none. Throws a StoreAway for what is no result of ours: somebody else has written there. */
function resultOf([head, body]: Parts): FirstResult | null {
  if (head === undefined || head === null) return null
  try {
    const { status, reason, lines } = JSON.parse(head.toString('utf8')) as Omit<FirstResult, 'body'>
    return { status, reason, lines, body: body?.toString('latin1') ?? null }
  } catch (error) {
    throw new StoreAway('what is kept under this key is no result', { cause: error })
  }
}
