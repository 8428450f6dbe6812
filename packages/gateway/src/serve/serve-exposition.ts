import type { ChannelListReport } from '@budao/model'
import type { Exposition } from '../metrics/exposition.ts'
import { writeSdk } from './sdk-exposition.ts'
import type { AccessTokenReport } from './access-token-keeper.ts'
import { providerCallKinds } from './identity.ts'
import { loginResults } from './identity-metrics.ts'
import type { IdentityReport, SdkReport } from './serve-memory.ts'

/** All that routes with `serve` have to tell. */
export interface ServedReport {
  /** Null where nothing takes what apps tell. */
  readonly sdk: SdkReport | null
  readonly channels: readonly ChannelListReport[]
  readonly tokens: readonly AccessTokenReport[]
  readonly identity: readonly IdentityReport[]
}

export function writeServed(text: Exposition, { sdk, channels, tokens, identity }: ServedReport): void {
  writeSdk(text, sdk)
  writeChannels(text, channels)
  writeIdentity(text, identity)
  writeTokens(text, tokens)
}

function writeChannels(text: Exposition, channels: readonly ChannelListReport[]): void {
  if (channels.length === 0) return
  text.family('budao_channels_version', 'gauge', 'Version of the channel list that apps are told.')
  for (const { route, version } of channels) text.sample({ route }, version)
  text.family(
    'budao_channels_expiry_seconds',
    'gauge',
    'Time until the list that is served now is good no more.',
  )
  for (const { route, expiresInSeconds } of channels) text.sample({ route }, expiresInSeconds)
}

function writeIdentity(text: Exposition, providers: readonly IdentityReport[]): void {
  if (providers.length === 0) return
  text.family('budao_identity_logins_total', 'counter', 'Logins and refreshes, by what became of them.')
  for (const { provider, counts } of providers)
    for (const result of loginResults) text.sample({ provider, result }, counts.results[result])
  text.family('budao_identity_login_duration_seconds', 'histogram', 'How long they took.')
  for (const { provider, counts } of providers)
    text.histogram({ provider }, counts.buckets, counts.durationMs)
  text.family(
    'budao_identity_calls_total',
    'counter',
    'Calls to a provider for logins, by address: answered, provably not sent, or of unknown fate.',
  )
  for (const { provider, origins, counts } of providers) {
    for (const [place, origin] of origins.entries())
      for (const kind of providerCallKinds)
        text.sample({ provider, origin, result: kind }, counts.calls(place, kind))
  }
}

function writeTokens(text: Exposition, tokens: readonly AccessTokenReport[]): void {
  if (tokens.length === 0) return
  text.family(
    'budao_identity_token_expiry_seconds',
    'gauge',
    'Time until an access token ends; 0 without one.',
  )
  for (const { provider, leftMs } of tokens) text.sample({ provider }, leftMs / 1_000)
  text.family('budao_identity_token_fetches_total', 'counter', 'Fetches of an access token, by result.')
  for (const { provider, fetched, failed } of tokens) {
    text.sample({ provider, result: 'fetched' }, fetched)
    text.sample({ provider, result: 'failed' }, failed)
  }
}
