import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { MatchConfig, RouteConfig } from '@budao/model'
import type { RequestView } from '../packages/gateway/src/filters/filter.ts'
import { Router } from '../packages/gateway/src/routing/router.ts'
import { describeMachine, machineText } from './machine.ts'
import { say, wholeNumber } from './options.ts'
import { type Spread, spreadOf } from './statistics.ts'
import { spreadText, table } from './table.ts'

const usage = `npm run bench -- routes [options]

  --rounds N    measurements of each cell, shuffled in time (default 7)
  --ms N        of each measurement (default 60)
  --json FILE   the figures

What finding a request's route costs, with 1, 100 and 10 000 routes of each kind; no sockets. Every router is first asked
for routes at the beginning, in the middle, at the end, and for one that is none. Fails when an answer is wrong.
`

const sizes = [1, 100, 10_000] as const

interface Kind {
  readonly name: string
  /** The route at an index, without its name. */
  route(index: number): Pick<RouteConfig, 'hosts' | 'match'>
  /** A request that it takes. */
  request(index: number): Pick<RequestView, 'host' | 'path'>
}

const anyHost: readonly string[] = ['*']
const pathMatch = (path: MatchConfig['path']): MatchConfig[] => [
  { ...(path === undefined ? {} : { path }), headers: {}, query: {}, cookies: {} },
]

const kinds: readonly Kind[] = [
  {
    name: 'exact paths',
    route: (i) => ({ hosts: anyHost, match: pathMatch({ exact: `/api/v1/items/${i}` }) }),
    request: (i) => ({ host: 'shop.example', path: `/api/v1/items/${i}` }),
  },
  {
    name: 'prefixes',
    route: (i) => ({ hosts: anyHost, match: pathMatch({ prefix: `/api/s${i}/` }) }),
    request: (i) => ({ host: 'shop.example', path: `/api/s${i}/orders/42` }),
  },
  {
    name: 'expressions with a folder',
    route: (i) => ({ hosts: anyHost, match: pathMatch({ regex: `/api/s${i}/[0-9]+(/.*)?` }) }),
    request: (i) => ({ host: 'shop.example', path: `/api/s${i}/42/lines` }),
  },
  {
    name: 'hosts',
    route: (i) => ({ hosts: [`t${i}.shop.example`], match: pathMatch({ prefix: '/api/' }) }),
    request: (i) => ({ host: `t${i}.shop.example`, path: '/api/orders' }),
  },
  {
    name: 'domains (*.)',
    route: (i) => ({ hosts: [`*.t${i}.shop.example`], match: pathMatch(undefined) }),
    request: (i) => ({ host: `www.t${i}.shop.example`, path: '/api/orders' }),
  },
  {
    name: 'hosts × prefixes',
    route: (i) => ({ hosts: [`t${i % 100}.shop.example`], match: pathMatch({ prefix: `/s${i}/` }) }),
    request: (i) => ({ host: `t${i % 100}.shop.example`, path: `/s${i}/x` }),
  },
  {
    name: 'expressions anywhere',
    route: (i) => ({ hosts: anyHost, match: pathMatch({ regex: `.*/f${i}[.]php` }) }),
    request: (i) => ({ host: 'shop.example', path: `/a/f${i}.php` }),
  },
]

interface Cell {
  readonly kind: Kind
  readonly size: number
  readonly router: Router
  readonly requests: readonly RequestView[]
  readonly nanoseconds: number[]
}

export async function run(args: readonly string[]): Promise<0 | 1> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '7' },
      ms: { type: 'string', default: '60' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const rounds = wholeNumber('rounds', values.rounds, 1, 1_000)
  const ms = wholeNumber('ms', values.ms, 1, 10_000)
  say(machineText(describeMachine()))
  const cells = kinds.flatMap((kind) => sizes.map((size) => cellOf(kind, size)))
  const wrong = cells.filter((cell) => !answersRight(cell))
  for (const { kind, size } of wrong) say(`${kind.name}, ${size} routes: a request got the wrong route`)
  if (wrong.length > 0) return 1
  for (let round = 0; round <= rounds; round++) {
    // The first round warms up. Neighbours in time share what the machine does beside: they change places each round.
    for (let i = 0; i < cells.length; i++) {
      const cell = cells[(i * 5 + round) % cells.length]!
      const took = measure(cell, ms)
      if (round > 0) cell.nanoseconds.push(took)
    }
  }
  say(report(cells))
  if (values.json !== undefined) {
    const figures = cells.map(({ kind, size, nanoseconds }) => ({
      kind: kind.name,
      routes: size,
      nanoseconds,
    }))
    writeFileSync(values.json, `${JSON.stringify(figures, null, 2)}\n`)
  }
  return 0
}

function cellOf(kind: Kind, size: number): Cell {
  const routes = Array.from({ length: size }, (_, index): RouteConfig => ({
    name: `r${index}`,
    upgrade: [],
    filters: [],
    backends: [],
    priority: 'normal',
    ...kind.route(index),
  }))
  // A few dozen, spread over all: a single one would stay in every cache.
  const count = Math.min(size, 64)
  const requests = Array.from({ length: count }, (_, i) => view(kind.request(Math.floor((i * size) / count))))
  return { kind, size, router: new Router(routes), requests, nanoseconds: [] }
}

function view(asked: Pick<RequestView, 'host' | 'path'>): RequestView {
  return {
    method: 'GET',
    scheme: 'http',
    listener: 'web',
    query: '',
    clientIp: '192.0.2.1',
    header: () => undefined,
    ...asked,
  }
}

function answersRight({ kind, size, router }: Cell): boolean {
  const asked = [0, Math.floor(size / 2), size - 1]
  if (asked.some((index) => router.match(view(kind.request(index))) !== index)) return false
  return router.match(view({ host: 'nobody.example', path: '/nothing/here' })) === -1
}

/** Nanoseconds for one match. */
function measure({ router, requests }: Cell, ms: number): number {
  const untilMs = performance.now() + ms
  const startNs = process.hrtime.bigint()
  let matches = 0
  do {
    for (const request of requests) if (router.match(request) < 0) throw new Error('no route')
    matches += requests.length
  } while (performance.now() < untilMs)
  return Number(process.hrtime.bigint() - startNs) / matches
}

function report(cells: readonly Cell[]): string {
  const rows = kinds.map(({ name }) => {
    const spreads = cells.filter(({ kind }) => kind.name === name).map((cell) => spreadOf(cell.nanoseconds))
    const [, small, large] = spreads as [Spread, Spread, Spread]
    return [name, ...spreads.map((spread) => spreadText(spread, 0)), (large.median / small.median).toFixed(2)]
  })
  return table(['ns a match', ...sizes.map((size) => `${size}`), '10 000 : 100'], rows)
}
