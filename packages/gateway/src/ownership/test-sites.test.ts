import type { TestContext } from 'node:test'
import { rawServer, type RawConnection, type RawExchange, type RawResponse } from '@budao/testkit'
import { testGateway, type TestConfig, type TestGateway } from '../test-gateway.test.ts'

/** A request as the backend of a site has seen it. */
export interface Seen {
  readonly site: string
  readonly method: string
  readonly target: string
  readonly epoch: string | undefined
  readonly unit: string | undefined
  readonly head: string
  readonly body: string
}

/** A site’s backend: notes what it is asked in the order in which it applies it, and refuses older epochs. */
export class SiteBackend {
  readonly site: string
  readonly seen: Seen[]
  /** Status of the answers to writes. */
  status = 201
  /** Answers wait here for `open`. */
  #held: (() => void)[] | null = null
  #highest = 0
  port = 0

  constructor(site: string, seen: Seen[]) {
    this.site = site
    this.seen = seen
  }

  get writes(): readonly Seen[] {
    return this.seen.filter(({ site, method }) => site === this.site && method !== 'GET')
  }

  async start(t: TestContext): Promise<this> {
    const { port } = await rawServer(t, (exchange) => this.#serve(exchange))
    this.port = port
    return this
  }

  /** Has answers wait from now on. */
  hold(): void {
    this.#held = []
  }

  get holding(): number {
    return this.#held?.length ?? 0
  }

  /** Gives the answers that wait, and the next ones at once. */
  open(): void {
    const held = this.#held ?? []
    this.#held = null
    for (const answer of held) answer()
  }

  async #serve({ connection, method, target, header, head, body }: RawExchange): Promise<void> {
    const text = await body()
    const epoch = header('x-budao-epoch')
    this.seen.push({ site: this.site, method, target, epoch, unit: header('x-budao-unit'), head, body: text })
    const answer = (): void => this.#answer(connection, method, Number(epoch ?? 0))
    if (this.#held === null) answer()
    else this.#held.push(answer)
  }

  #answer(connection: RawConnection, method: string, epoch: number): void {
    if (method === 'GET') return connection.respond(200, this.site)
    if (epoch < this.#highest) return connection.respond(409, 'an older epoch')
    this.#highest = epoch
    connection.respond(this.status, this.site)
  }
}

/** What a gateway that takes part in failover has in its configuration; the test is its control plane. */
export const control = {
  address: '127.0.0.1:9940',
  token: { env: 'UNUSED' },
  store: { type: 'sqlite', path: './unused.db' },
  peers: {},
}

/** Two sites and more gateways than that, all of one service, `shop`. */
export class Sites {
  readonly east: SiteBackend
  readonly west: SiteBackend
  readonly seen: Seen[]
  readonly #t: TestContext

  constructor(t: TestContext, seen: Seen[], east: SiteBackend, west: SiteBackend) {
    this.#t = t
    this.seen = seen
    this.east = east
    this.west = west
  }

  static async start(t: TestContext): Promise<Sites> {
    const seen: Seen[] = []
    const [east, west] = [new SiteBackend('east', seen), new SiteBackend('west', seen)]
    await Promise.all([east.start(t), west.start(t)])
    return new Sites(t, seen, east, west)
  }

  gateway(
    site: string,
    config: TestConfig = {},
    options: Parameters<typeof testGateway>[3] = {},
    dir?: string,
  ): Promise<TestGateway> {
    return testGateway(
      this.#t,
      {
        node: { name: `gw-${site}`, site },
        sites: { east: {}, west: {}, mid: {} },
        control,
        endpoints: [
          { address: `127.0.0.1:${this.east.port}`, site: 'east' },
          { address: `127.0.0.1:${this.west.port}`, site: 'west' },
        ],
        ...config,
        service: { mode: 'active-standby', failover: {}, ...config.service },
      },
      dir,
      options,
    )
  }
}

export const terms = { ttlMs: 60_000, guardMs: 250 }

/** Where writes of a unit are, told to some gateways. */
export async function place(
  gateways: readonly TestGateway[],
  epoch: number,
  owner: string,
  holder: TestGateway | null,
  unit = 'shop',
  readers = [owner, owner === 'east' ? 'west' : 'east'],
): Promise<void> {
  for (const { gateway } of gateways) {
    const own = holder?.gateway === gateway
    const traffic = holder === null || own ? null : `127.0.0.1:${holder.port}`
    await gateway.ownership.place({ unit, service: 'shop', epoch, owner, readers }, traffic)
  }
}

/** The gateway holds the lease. */
export function hold({ gateway }: TestGateway, epoch: number, unit = 'shop'): void {
  gateway.ownership.lease(unit).renewed(epoch, gateway.ownership.now(), terms)
}

export function codeOf({ body }: RawResponse): unknown {
  return (JSON.parse(body) as { error?: unknown }).error
}
