import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  createSnapshot,
  type EventDraft,
  type GatewayReport,
  type RouteReport,
  type ServiceReport,
} from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { rawConnect, rawExchange, tempDir, type RawClient, type RawResponse } from '@budao/testkit'
import type { ApplyResult } from './apply-result.ts'
import type { GatewayOptions } from './gateway-options.ts'
import { Gateway } from './gateway.ts'

type Edits = Readonly<Record<string, unknown>>

/** What a test wants otherwise than the usual one listener, one service `shop` and one route `shop`. */
export interface TestConfig {
  readonly workers?: number
  /** Default `gw-1` at `east`. */
  readonly node?: Edits
  readonly control?: Edits | undefined
  readonly sites?: Edits
  readonly drain?: string
  readonly tracing?: Edits
  readonly listener?: Edits
  /** Addresses, or whole endpoints. All are at the site `east` unless they say otherwise. */
  readonly endpoints?: readonly (string | Edits)[]
  readonly service?: Edits
  readonly route?: Edits
  /** Added to, or in place of, what the above make. */
  readonly services?: Readonly<Record<string, unknown>>
  readonly routes?: readonly Edits[]
  readonly listeners?: readonly Edits[]
  readonly overload?: Edits
  readonly stores?: Readonly<Record<string, unknown>>
  readonly rollouts?: Readonly<Record<string, unknown>>
  readonly dns?: Edits
  readonly caches?: Readonly<Record<string, unknown>>
  readonly identity?: Readonly<Record<string, unknown>>
}

/** The text of a configuration, as a person would write it in JSON. */
export function configText(config: TestConfig): string {
  const endpoints = (config.endpoints ?? []).map((endpoint) =>
    typeof endpoint === 'string' ? { address: endpoint, site: 'east' } : { site: 'east', ...endpoint },
  )
  const shop = { endpoints, ...config.service }
  const dns = config.dns === undefined ? {} : { dns: config.dns }
  return JSON.stringify({
    version: 1,
    ...dns,
    node: config.node ?? { name: 'gw-1', site: 'east' },
    ...(config.control === undefined ? {} : { control: config.control }),
    workers: config.workers ?? 1,
    ...(config.drain === undefined ? {} : { drain: config.drain }),
    ...(config.tracing === undefined ? {} : { tracing: config.tracing }),
    sites: config.sites ?? { east: {}, west: {} },
    listeners: config.listeners ?? [
      { name: 'web', address: '127.0.0.1:0', protocol: 'http', ...config.listener },
    ],
    ...(config.stores === undefined ? {} : { stores: config.stores }),
    ...(config.rollouts === undefined ? {} : { rollouts: config.rollouts }),
    ...(config.overload === undefined ? {} : { overload: config.overload }),
    ...(config.identity === undefined ? {} : { identity: config.identity }),
    ...(config.caches === undefined ? {} : { caches: config.caches }),
    services: { ...(endpoints.length === 0 ? {} : { shop }), ...config.services },
    routes: config.routes ?? [{ name: 'shop', backends: [{ service: 'shop' }], ...config.route }],
  })
}

/** A gateway that serves, with everything it reports. */
export class TestGateway {
  readonly gateway: Gateway
  readonly events: EventDraft[]
  readonly warnings: string[]
  readonly #t: TestContext

  constructor(t: TestContext, gateway: Gateway, events: EventDraft[], warnings: string[]) {
    this.#t = t
    this.gateway = gateway
    this.events = events
    this.warnings = warnings
  }

  /** Of the listener `web`, or another. */
  portOf(listener: string): number {
    return Number(this.gateway.addresses[listener]!.split(':').at(-1))
  }

  get port(): number {
    return this.portOf('web')
  }

  connect(): Promise<RawClient> {
    return rawConnect(this.#t, this.port)
  }

  /** One request on a connection of its own. `lines` are header lines without line ends. */
  request(target: string, lines: readonly string[] = [], body = ''): Promise<RawResponse> {
    return rawExchange(this.#t, this.port, requestText(target, lines, body))
  }

  /** Reads back a changed configuration and brings it into force. */
  apply(config: TestConfig): Promise<ApplyResult> {
    return this.gateway.apply(
      createSnapshot(parsed(configText(config)), 'test.json', this.gateway.snapshot!.version, Date.now()),
    )
  }

  service(name = 'shop'): ServiceReport {
    return this.gateway.report().services.find((service) => service.name === name)!
  }

  route(name = 'shop'): RouteReport {
    return this.gateway.report().routes.find((route) => route.name === name)!
  }

  get connections(): GatewayReport['connections'] {
    return this.gateway.report().connections
  }

  eventsOf(kind: EventDraft['kind'], subject?: string): EventDraft[] {
    return this.events.filter(
      (event) => event.kind === kind && (subject === undefined || event.subject === subject),
    )
  }

  /** Resolves once nothing is under way and no connection is open but idle ones to endpoints. */
  quiet(): Promise<void> {
    return until('nothing under way', () => {
      const { connections, services } = this.gateway.report()
      const inFlight = services.flatMap((service) => [
        service.inFlight,
        ...service.endpoints.map((each) => each.inFlight),
      ])
      return (
        inFlight.every((count) => count === 0) &&
        connections.downstream === 0 &&
        connections.upstream === connections.upstreamIdle
      )
    })
  }
}

/** Starts a gateway that ends with the test. Relative paths in its configuration start in `baseDir`. */
export async function testGateway(
  t: TestContext,
  config: TestConfig,
  baseDir: string = tmpdir(),
  options: Pick<
    GatewayOptions,
    | 'stuckMs'
    | 'keyFile'
    | 'acmeFolder'
    | 'acmeRetryMs'
    | 'certificatePollMs'
    | 'directoryFile'
    | 'placementFile'
    | 'onSnapshot'
  > = {},
): Promise<TestGateway> {
  const events: EventDraft[] = []
  const warnings: string[] = []
  const read = parsed(configText(config))
  const gateway = new Gateway(read, {
    version: '0.0.0-test',
    baseDir,
    ...options,
    report: (event) => events.push(event),
    warn: (message) => warnings.push(message),
  })
  t.after(() => gateway.close())
  await gateway.start(createSnapshot(read, 'test.json', 0, Date.now()))
  return new TestGateway(t, gateway, events, warnings)
}

/** A folder with these files, removed with the test. */
export function testFiles(t: TestContext, files: Readonly<Record<string, string>>): string {
  const dir = tempDir(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  return dir
}

/** A request's bytes: `METHOD /path`, or a path alone for GET. A body gets its Content-Length. */
export function requestText(target: string, lines: readonly string[] = [], body = ''): string {
  const [method, path] = target.startsWith('/') ? ['GET', target] : target.split(' ')
  const length = body === '' ? [] : [`Content-Length: ${body.length}`]
  return `${[`${method} ${path} HTTP/1.1`, 'Host: shop.example', ...length, ...lines].join('\r\n')}\r\n\r\n${body}`
}

/** Waits for a condition that other threads or processes bring about. Fails after 15 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 15_000
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain for: ${what}`)
    await pause(10)
  }
}

function parsed(text: string) {
  const result = parseConfig(text, 'test.json')
  assert.ok(result.ok, JSON.stringify(result))
  return result.config
}
