import type { RedisStoreConfig } from '@budao/model'
import type { AnswerStore } from '../cache/answer-store.ts'
import type { KeyStore } from '../idempotency/key-store.ts'
import type { SharedAnswers, SharedLimit, SharedLimiter, Store, StoreEnv } from '../stores/store.ts'
import { RedisAnswers } from './redis-answers.ts'
import { RedisConnection } from './redis-connection.ts'
import { RedisKeys } from './redis-keys.ts'
import { RedisLimiter } from './redis-limiter.ts'

/** A Redis or Valkey server as a store. */
export class RedisStore implements Store {
  readonly #connection: RedisConnection
  readonly #keyPrefix: string

  static async open(config: RedisStoreConfig, env: StoreEnv): Promise<RedisStore> {
    return new RedisStore(await RedisConnection.open(config, env), config.keyPrefix)
  }

  private constructor(connection: RedisConnection, keyPrefix: string) {
    this.#connection = connection
    this.#keyPrefix = keyPrefix
  }

  get here(): boolean {
    return this.#connection.here
  }

  passedBy(): void {
    this.#connection.passedBy()
  }

  limiter(limit: SharedLimit): SharedLimiter {
    return new RedisLimiter(this.#connection, this.#keyPrefix, limit)
  }

  answers(cache: SharedAnswers): AnswerStore {
    return new RedisAnswers(this.#connection, this.#keyPrefix, cache)
  }

  writeKeys(): KeyStore {
    return new RedisKeys(this.#connection, this.#keyPrefix)
  }

  close(): void {
    this.#connection.close()
  }
}
