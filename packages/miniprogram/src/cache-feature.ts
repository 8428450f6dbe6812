import { cacheTimes, type CacheTimes } from './cache-policy.ts'
import { CacheStore, cacheStoreDefaults, type CacheStoreOptions } from './cache-store.ts'
import { CachedAnswers } from './cached-answers.ts'
import type { CallRequest } from './call.ts'
import type { Feature } from './feature.ts'
import { MemoryStorage, type Storage } from './storage.ts'
import { withDefaults } from './with-defaults.ts'

export interface CacheOptions {
  /** Keeps answers to GETs for that long; `{}` for the usual times. Default: none are kept, but for calls that ask for it. */
  readonly times?: Partial<CacheTimes>
  /** Where they are kept. Default memory. */
  readonly storage?: Storage
  readonly store?: Partial<CacheStoreOptions>
}

/** Equal GETs under way are one request, and answers are kept: for a time, and for the time when no server can be had. */
export function cacheAnswers({ times, storage, store }: CacheOptions = {}): Feature {
  return (client) => {
    const kept = new CacheStore(storage ?? new MemoryStorage(), withDefaults(cacheStoreDefaults, store))
    const answers = new CachedAnswers(kept, () => client.env.runtime.wallNow())
    const usual = times === undefined ? null : withDefaults(cacheTimes, times)
    return {
      answer(request, { cache = usual !== null }, begin) {
        const own = typeof cache === 'object' ? cache : {}
        const wanted = cache === false ? null : withDefaults(usual ?? cacheTimes, own)
        return answers.ask(keyOf(request, kept.user), wanted, begin)
      },
      onUser: (user) => kept.switchUser(user),
    }
  }
}

/**
 * Whoever asks with other headers may be told something else. A known user's token is left out: the store is this user's
 * alone, and tokens change.
 */
function keyOf({ path, headers }: CallRequest, user: string): string {
  const lines = Object.keys(headers)
    .filter((name) => user === '' || name.toLowerCase() !== 'authorization')
    .map((name) => `${name.toLowerCase()}=${headers[name]}`)
  return lines.length === 0 ? path : `${path} ${hash(lines.join('\n'))}`
}

/** FNV-1a: tokens must not lie in the names of storage. */
function hash(text: string): string {
  let sum = 0x811c9dc5
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return (sum >>> 0).toString(36)
}
