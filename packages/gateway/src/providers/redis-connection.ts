import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { RedisStoreConfig } from '@budao/model'
import { Presence, type PresenceChange } from '@budao/resilience'
import type { Redis, RedisOptions } from 'ioredis'
import { StoreStatus } from '../stores/store-status.ts'
import { StoreAway, type StoreEnv } from '../stores/store.ts'

/** First wait for a new connection; doubled with each attempt up to `probeInterval`. */
const reconnectMs = 50
/** Commands without an answer; more are turned away as if the server were. */
const pendingMax = 10_000

/** A script that the server runs as one step. It is sent once and then known by its digest. */
export interface RedisScript {
  readonly source: string
  /** SHA-1 of the source, in hexadecimal. */
  readonly digest: string
}

/** What every command of the client has, and its types leave out. */
interface BinaryScripts {
  evalBuffer(source: string, keys: number, ...rest: (string | number | Buffer)[]): Promise<unknown>
  evalshaBuffer(digest: string, keys: number, ...rest: (string | number | Buffer)[]): Promise<unknown>
}

interface Pending {
  readonly timer: NodeJS.Timeout
  reject(error: StoreAway): void
}

/**
 * One thread's connection to a Redis server, and its judgement whether that is there. Commands of one turn of the event
 * loop travel together. A command has `timeout` to be answered; after `failures` in a row that were not, or when the
 * connection breaks, the server is away: whoever waits is told at once, nothing more is sent, and a PING every
 * `probeInterval` looks for it. Nothing is sent twice.
 */
export class RedisConnection {
  readonly #config: RedisStoreConfig
  readonly #redis: Redis
  readonly #presence: Presence
  readonly #status: StoreStatus
  readonly #pending: Set<Pending> = new Set()
  #probeTimer: NodeJS.Timeout | undefined
  #reason = 'not connected yet'
  #closed = false

  /** Connects in the background. Rejects when the file `ca` cannot be read. */
  static async open(config: RedisStoreConfig, env: StoreEnv): Promise<RedisConnection> {
    const ca = config.ca === undefined ? undefined : await readFile(resolve(env.baseDir, config.ca), 'utf8')
    // Loaded where it is used: a gateway without shared stores need not have it in memory.
    const { Redis } = await import('ioredis')
    return new RedisConnection(config, new Redis(redisOptions(config, ca)), new StoreStatus(env))
  }

  private constructor(config: RedisStoreConfig, redis: Redis, status: StoreStatus) {
    this.#config = config
    this.#redis = redis
    this.#status = status
    this.#presence = new Presence(config.failures)
    redis.on('error', (error: Error) => (this.#reason = error.message))
    redis.on('ready', () => void this.#probe())
    redis.on('close', () => this.#onClose())
    // What it cannot connect to is told by `error` and `close`.
    redis.connect().catch(() => {})
  }

  get here(): boolean {
    return this.#presence.here
  }

  /** Counts one who did not ask because the server is away. */
  passedBy(): void {
    this.#status.passed()
  }

  /** Sends one command. Rejects with a StoreAway when it is not answered in time, or with an error. */
  call(command: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return this.#ask(() => this.#redis.call(command, args))
  }

  /** The bytes under a key; null when there are none. Rejects as `call` does. */
  getBuffer(key: string): Promise<Buffer | null> {
    return this.#ask(() => this.#redis.getBuffer(key)) as Promise<Buffer | null>
  }

  /** Runs a script on these keys. Rejects as `call` does. */
  run(
    { source, digest }: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    return this.#ask(async () => {
      try {
        return await this.#redis.evalsha(digest, keys.length, ...keys, ...args)
      } catch (error) {
        // A server that was started anew, or whose scripts were flushed, learns it again.
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return this.#redis.eval(source, keys.length, ...keys, ...args)
      }
    })
  }

  /** The same, answered with bytes where `run` has texts. */
  runBuffers(
    { source, digest }: RedisScript,
    keys: readonly string[],
    args: readonly (string | number | Buffer)[],
  ): Promise<unknown> {
    const redis = this.#redis as unknown as BinaryScripts
    return this.#ask(async () => {
      try {
        return await redis.evalshaBuffer(digest, keys.length, ...keys, ...args)
      } catch (error) {
        if (!messageOf(error).startsWith('NOSCRIPT')) throw error
        return redis.evalBuffer(source, keys.length, ...keys, ...args)
      }
    })
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#probeTimer)
    this.#failPending('the connection is closed')
    this.#redis.disconnect()
  }

  async #ask(send: () => Promise<unknown>): Promise<unknown> {
    if (!this.#presence.here || this.#pending.size >= pendingMax) {
      this.#status.passed()
      throw new StoreAway(this.#presence.here ? `${pendingMax} commands wait already` : this.#reason)
    }
    try {
      const answer = await this.#inTime(send())
      this.#status.answered()
      this.#judge(this.#presence.answered())
      return answer
    } catch (error) {
      this.#status.failed()
      const away = error instanceof StoreAway ? error : new StoreAway(messageOf(error), { cause: error })
      if (!this.#closed) this.#judge(this.#presence.failed(), away.message)
      throw away
    }
  }

  #inTime(answer: Promise<unknown>): Promise<unknown> {
    return new Promise((done, reject) => {
      const late = (): void => {
        this.#pending.delete(pending)
        reject(new StoreAway(`no answer within ${this.#config.timeout} ms`))
      }
      const pending: Pending = {
        // A thread that was held up itself finds its timers due before it has read what has long arrived: read first.
        timer: setTimeout(() => setImmediate(late), this.#config.timeout),
        reject,
      }
      this.#pending.add(pending)
      const settle = (): void => {
        clearTimeout(pending.timer)
        this.#pending.delete(pending)
      }
      answer.then(
        (value) => {
          settle()
          done(value)
        },
        (error: unknown) => {
          settle()
          reject(error as Error)
        },
      )
    })
  }

  #judge(change: PresenceChange, reason = ''): void {
    if (change === 'back') this.#status.back()
    if (change !== 'away') return
    this.#reason = reason
    this.#status.away(reason)
    this.#failPending(reason)
    // What still waits on this connection is not worth having any more.
    this.#redis.disconnect(true)
  }

  /** Asks whether the server is there: a connection alone says little, a stopped process still accepts them. */
  async #probe(): Promise<void> {
    clearTimeout(this.#probeTimer)
    try {
      await this.#inTime(this.#redis.ping())
      this.#judge(this.#presence.answered())
    } catch (error) {
      if (this.#closed) return
      this.#reason = messageOf(error)
      // Not there at the start is away, too; and so is one that answers that it is still loading.
      this.#status.away(this.#reason)
      if (error instanceof StoreAway) this.#redis.disconnect(true)
      else {
        clearTimeout(this.#probeTimer)
        this.#probeTimer = setTimeout(() => void this.#probe(), this.#config.probeInterval).unref()
      }
    }
  }

  #onClose(): void {
    if (this.#closed) return
    clearTimeout(this.#probeTimer)
    this.#presence.lost()
    this.#status.away(this.#reason)
    this.#failPending(this.#reason)
  }

  #failPending(reason: string): void {
    for (const { timer, reject } of this.#pending) {
      clearTimeout(timer)
      reject(new StoreAway(reason))
    }
    this.#pending.clear()
  }
}

/** Without the type of `replyMapping`, of which the constructor takes only a part. */
type Options = Omit<RedisOptions, 'replyMapping'>

function redisOptions(config: RedisStoreConfig, ca: string | undefined): Options {
  const { url, connectTimeout, probeInterval } = config
  const { protocol, hostname, port, username, password, pathname } = new URL(url)
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    db: Number(pathname.slice(1)),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' ? { tls: ca === undefined ? {} : { ca } } : {}),
    // The older protocol is enough, and spoken by every server and proxy.
    protocol: 2,
    disableClientInfo: true,
    lazyConnect: true,
    connectTimeout,
    // The newest attempt waits at most `probeInterval`; spread, so that gateways do not come all at once.
    retryStrategy: (times) =>
      Math.min(probeInterval, reconnectMs * 2 ** Math.min(times - 1, 20)) * (0.5 + Math.random() / 2),
    enableReadyCheck: false,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
