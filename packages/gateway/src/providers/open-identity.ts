import type { IdentityConfig, SecretConfig } from '@budao/model'
import type { FetchedToken, IdentityEnv, IdentityProvider } from '../serve/identity.ts'
import { TestIdentity } from '../serve/test-identity.ts'

/** Rejects when a secret or another file of it cannot be read. */
export async function openIdentity(config: IdentityConfig, env: IdentityEnv): Promise<IdentityProvider> {
  if ('test' in config) return new TestIdentity(config.test)
  const { WeixinApi } = await import('./weixin-api.ts')
  return new WeixinApi(config.weixin, env)
}

/** Who gives the app's access token. */
export interface TokenProvider {
  /** A text says why there is none. Never rejects. */
  accessToken(): Promise<FetchedToken | string>
  close(): void
}

/** Null for a provider that has none. Rejects as `openIdentity`. */
export async function openTokenProvider(
  config: IdentityConfig,
  env: IdentityEnv,
): Promise<TokenProvider | null> {
  if (!('weixin' in config)) return null
  const { WeixinApi } = await import('./weixin-api.ts')
  return new WeixinApi(config.weixin, env)
}

/** Whether its access token is kept though no route gives it out. */
export function keepsToken(config: IdentityConfig): boolean {
  return 'weixin' in config && config.weixin.accessToken
}

/** The secrets that it is opened with, by their place in its settings. */
export function identitySecrets(
  config: IdentityConfig,
): { readonly key: readonly string[]; readonly source: SecretConfig }[] {
  return 'weixin' in config ? [{ key: ['weixin', 'secret'], source: config.weixin.secret }] : []
}

/** The addresses that a provider is asked at; empty where nobody is asked. */
export function identityOrigins(config: IdentityConfig): readonly string[] {
  return 'weixin' in config ? config.weixin.urls : []
}
