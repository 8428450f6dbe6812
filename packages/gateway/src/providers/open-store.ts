import type { StoreConfig } from '@budao/model'
import type { Store, StoreEnv } from '../stores/store.ts'

/** Makes the store that an entry of `stores` describes; it connects in the background. */
export async function openStore(config: StoreConfig, env: StoreEnv): Promise<Store> {
  const { RedisStore } = await import('./redis-store.ts')
  return RedisStore.open(config.redis, env)
}
