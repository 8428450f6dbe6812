import type { ServeConfig } from '@budao/model'
import { accessToken } from './access-token.ts'
import { channels } from './channels.ts'
import { ping } from './ping.ts'
import type { Served, ServeEnv } from './served.ts'
import { accessTokenText, channelsText } from './served-texts.ts'

/** Makes what a route answers with. Rejects with one sentence for people when it cannot work: a file that is missing or wrong. */
export async function createServed(config: ServeConfig, env: ServeEnv): Promise<Served> {
  if ('ping' in config) return { answer: ping, work: null }
  if ('channels' in config) {
    const name = channelsText(env.route, config.channels)
    return { answer: channels(() => env.text(name)), work: null }
  }
  // Loaded where it is used: what reads and signs takes memory that other gateways need not have.
  if ('telemetry' in config) {
    const { openTelemetry } = await import('./telemetry.ts')
    return openTelemetry(config.telemetry, env)
  }
  if ('session' in config) {
    const { openSession } = await import('./session.ts')
    return openSession(config.session, env)
  }
  if ('jwks' in config) {
    const { jwks } = await import('./jwks.ts')
    return { answer: jwks(config.jwks, env), work: null }
  }
  const name = accessTokenText(config.accessToken.provider)
  return { answer: accessToken(() => env.text(name), env.wallNow), work: null }
}
