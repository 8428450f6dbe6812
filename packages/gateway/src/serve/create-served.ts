import type { ServeConfig } from '@budao/model'
import { ping } from './ping.ts'
import type { Served, ServeEnv } from './served.ts'

/** Makes what a route answers with. Rejects with one sentence for people when it cannot work: a file that is missing or wrong. */
export async function createServed(config: ServeConfig, env: ServeEnv): Promise<Served> {
  if ('ping' in config) return { answer: ping, work: null }
  // Loaded where it is used: what reads and signs takes memory that other gateways need not have.
  const { openTelemetry } = await import('./telemetry.ts')
  return openTelemetry(config.telemetry, env)
}
