import type { Exposition } from '../metrics/exposition.ts'
import type { CacheCounts } from './caches.ts'

/** What the caches in memory hold, and what was lost of it. */
export function writeCaches(text: Exposition, caches: Readonly<Record<string, CacheCounts>>): void {
  const counts = Object.entries(caches)
  if (counts.length === 0) return
  text.family('budao_gateway_cache_bytes', 'gauge', 'Bytes of kept answers that can be found.')
  for (const [cache, { bytes }] of counts) text.sample({ cache }, bytes)
  text.family('budao_gateway_cache_bytes_max', 'gauge', 'What the cache may take.')
  for (const [cache, { bytesMax }] of counts) text.sample({ cache }, bytesMax)
  text.family('budao_gateway_cache_entries', 'gauge', 'Kept answers that can be found.')
  for (const [cache, { entries }] of counts) text.sample({ cache }, entries)
  text.family('budao_gateway_cache_evictions_total', 'counter', 'Answers lost to make room for others.')
  for (const [cache, { evictions }] of counts) text.sample({ cache }, evictions)
  text.family(
    'budao_gateway_cache_lock_busy_total',
    'counter',
    'Answers not kept because another worker was writing.',
  )
  for (const [cache, { lockBusy }] of counts) text.sample({ cache }, lockBusy)
}
