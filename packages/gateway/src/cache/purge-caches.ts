import type { CachePurge, Config, EventDraft } from '@budao/model'
import { cachesOf, type Caches } from './caches.ts'
import { purgeMatch, type PurgeMatch } from './purge-match.ts'

/** Who purges what is not in memory. */
interface RemotePurger {
  purge(match: PurgeMatch): Promise<number>
}

/**
 * Forgets kept answers, in all workers and stores, and says how many records that were. Rejects with a RangeError for a
 * URL that is none, with another Error when a store is away. An answer that is on its way meanwhile is not kept.
 */
export async function purgeCaches(
  purge: CachePurge,
  config: Config,
  caches: Caches,
  remote: RemotePurger,
  report: (event: EventDraft) => void,
): Promise<number> {
  const match = purgeMatch(purge, config.routes)
  const elsewhere = [...cachesOf(config).values()].some(({ store }) => store !== undefined)
  const removed = (await caches.purge(match)) + (elsewhere ? await remote.purge(match) : 0)
  report({
    kind: 'cache.purged',
    severity: 'info',
    subject: purge.route ?? config.node.name,
    message: `${removed} kept answers were purged.`,
    evidence: { ...purge, removed },
  })
  return removed
}
