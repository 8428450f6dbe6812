import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Launch } from './contenders/contender.ts'

/** `source`: as developed, types stripped by Node, which costs memory. `built`: as installed, after `npm run build`. */
export type Form = 'source' | 'built'

/** Our command, run by the Node that runs the bench. */
export function gatewayLaunch(configFile: string, form: Form, nodeFlags: readonly string[] = []): Launch {
  const flags = form === 'source' ? ['--conditions=@budao/source', ...nodeFlags] : nodeFlags
  return {
    command: process.execPath,
    args: [...flags, mainFile(form), 'gateway', '-c', configFile],
    env: { NODE_ENV: 'production' },
  }
}

export function mainFile(form: Form): string {
  const file = form === 'source' ? 'src/main.ts' : 'dist/main.js'
  return fileURLToPath(new URL(`../packages/budao/${file}`, import.meta.url))
}

export interface GatewayPlan {
  readonly port: number
  readonly adminPort: number
  readonly endpoints: readonly { address: string; site: string; weight?: number }[]
  /** Merged over the service, as the file spells it. */
  readonly service?: Readonly<Record<string, unknown>>
  /** In place of those of `paths`. */
  readonly routes?: readonly Readonly<Record<string, unknown>>[]
  /** Prefixes of routes; absent or empty: one route for everything. */
  readonly paths?: readonly string[]
  /** Merged over every route of `paths`. */
  readonly route?: Readonly<Record<string, unknown>>
  /** Merged over the listener. */
  readonly listener?: Readonly<Record<string, unknown>>
}

/** A whole configuration: one service, one route, health checks, breaker, outlier detection and metrics on. */
export function gatewayConfig(plan: GatewayPlan): Record<string, unknown> {
  return {
    version: 1,
    node: { name: 'bench', site: 'east' },
    dataDir: './data',
    workers: 1,
    sites: { east: { weight: 1 }, west: { weight: 1 } },
    admin: { address: `127.0.0.1:${plan.adminPort}` },
    listeners: [{ name: 'web', address: `127.0.0.1:${plan.port}`, protocol: 'http', ...plan.listener }],
    services: {
      shop: {
        mode: 'multi-active',
        endpoints: plan.endpoints,
        balance: 'least-request',
        healthCheck: {
          type: 'http',
          path: '/healthz',
          interval: '1s',
          timeout: '500ms',
          unhealthyAfter: 3,
          healthyAfter: 2,
        },
        outlier: { maxFails: 3, failTimeout: '30s' },
        breaker: {
          window: '5s',
          requestVolumeThreshold: 20,
          errorThresholdPercentage: 50,
          sleepWindow: '5s',
        },
        ...plan.service,
      },
    },
    routes:
      plan.routes ??
      prefixes(plan).map((prefix, index) => ({
        name: prefix === '/' ? 'all' : `r${index}`,
        hosts: ['*'],
        match: [{ path: { prefix } }],
        backends: [{ service: 'shop', weight: 100 }],
        ...plan.route,
      })),
  }
}

/** Whatever the paths, the last route takes the rest. */
function prefixes({ paths = [] }: GatewayPlan): string[] {
  return [...paths, '/']
}

/** JSON is YAML. */
export function writeConfig(file: string, config: unknown): void {
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
}
