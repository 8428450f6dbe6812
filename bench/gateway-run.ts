import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@budao/testkit'
import type { TestProcess } from '@budao/testkit'
import { AdminApi } from '../packages/budao/src/drill/admin-api.ts'
import { waitForAnswer } from './answers.ts'
import { gatewayConfig, gatewayLaunch, writeConfig } from './budao.ts'
import type { GatewayPlan } from './budao.ts'
import type { Stage } from './stage.ts'

/** Our gateway as a process of its own, and what reads it. */
export interface GatewayRun {
  readonly process: TestProcess
  readonly port: number
  readonly adminPort: number
  readonly admin: AdminApi
  readonly configFile: string
  /** The configuration it was started with, other parts put in their places. */
  readonly config: (changes: Partial<GatewayPlan>) => Record<string, unknown>
}

/** Resolves once it answers through to a backend. It ends with the stage. */
export async function startGateway(
  stage: Stage,
  plan: Omit<GatewayPlan, 'port' | 'adminPort'>,
): Promise<GatewayRun> {
  const [port, adminPort] = [await freePort(), await freePort()]
  const folder = join(stage.folder, `gateway-${port}`)
  mkdirSync(folder)
  const configFile = join(folder, 'budao.yaml')
  const config = (changes: Partial<GatewayPlan>): Record<string, unknown> =>
    gatewayConfig({ ...plan, port, adminPort, ...changes })
  writeConfig(configFile, config({}))
  const { command, args, env } = gatewayLaunch(configFile, 'source')
  const started = stage.start('budao gateway', command, args, { env })
  await started.waitForPort(port)
  await waitForAnswer(port, '/api/products')
  const admin = new AdminApi(`http://127.0.0.1:${adminPort}`)
  await waitUntil('the admin API answers', 15_000, async () => (await admin.status()).state === 'serving')
  return { process: started, port, adminPort, admin, configFile, config }
}

/** Asks every 20 ms until it holds; an ask that fails counts as no. Returns the milliseconds it took, null when time ran out. */
export async function msUntil(timeoutMs: number, holds: () => Promise<boolean>): Promise<number | null> {
  const start = performance.now()
  while (performance.now() - start < timeoutMs) {
    if (await holds().catch(() => false)) return performance.now() - start
    await sleep(20)
  }
  return null
}

async function waitUntil(what: string, timeoutMs: number, holds: () => Promise<boolean>): Promise<void> {
  if ((await msUntil(timeoutMs, holds)) === null) throw new Error(`${what}: not within ${timeoutMs} ms`)
}
