/** What a proxy is set up for, beyond passing requests on to two backends. */
export interface Front {
  /** Its listener speaks TLS, with an ECDSA P-256 certificate. */
  readonly tls: boolean
  /** Bearer tokens, a rate limit, CORS, header changes and an access log. */
  readonly filters: boolean
  /** Routes by path; 1 is one for everything. */
  readonly routes: number
  /** Addresses of the one service. */
  readonly endpoints: number
}

export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly bodyBytes: number
}

/** A mark the project has set itself. */
export interface Mark {
  /** `cpu`: ours divided by theirs. `cpu-inverse`: theirs divided by ours. `p99-added`: milliseconds over theirs. */
  readonly what: 'cpu' | 'cpu-inverse' | 'p99-added'
  readonly against: string
  readonly limit: number
}

/** One comparison: how the proxies are set up, and what they are asked. */
export interface Scenario {
  readonly name: string
  readonly about: string
  readonly front: Front
  readonly question: Question
  /** `full`: as fast as it goes (closed loop). `half`: at half of our full speed, by a fixed schedule (open loop). */
  readonly load: 'full' | 'half'
  /** Connections that are open beside the load and say nothing. */
  readonly idleConnections: number
  readonly marks: readonly Mark[]
}

const plainFront: Front = { tls: false, filters: false, routes: 1, endpoints: 2 }
const product: Question = { method: 'GET', path: '/api/products', bodyBytes: 0 }

const plain: Scenario = {
  name: 'plain',
  about: '200 bytes of JSON, connections kept on both sides',
  front: plainFront,
  question: product,
  load: 'full',
  idleConnections: 0,
  marks: [
    { what: 'cpu', against: 'nginx', limit: 1 },
    { what: 'cpu', against: 'haproxy', limit: 1 },
    { what: 'cpu', against: 'envoy', limit: 0.6 },
    ...['@fastify/http-proxy', 'http-proxy-3', 'httpxy'].map((against): Mark => ({
      what: 'cpu-inverse',
      against,
      limit: 8,
    })),
  ],
}

export const scenarios: readonly Scenario[] = [
  plain,
  {
    ...plain,
    name: 'tls',
    about: 'plain behind TLS 1.3, handshakes done once',
    front: { ...plainFront, tls: true },
    marks: [{ what: 'cpu', against: 'nginx', limit: 1.1 }],
  },
  {
    ...plain,
    name: 'body-10k',
    about: 'answers of 10 kB',
    question: { ...product, path: '/10k' },
    marks: [],
  },
  { ...plain, name: 'body-1m', about: 'answers of 1 MB', question: { ...product, path: '/1m' }, marks: [] },
  {
    ...plain,
    name: 'post',
    about: 'POST with 10 kB',
    question: { method: 'POST', path: '/api/orders', bodyBytes: 10_000 },
    marks: [],
  },
  {
    ...plain,
    name: 'idle',
    about: '1 000 idle connections beside the load',
    idleConnections: 1_000,
    marks: [],
  },
  {
    ...plain,
    name: 'filters',
    about: 'token, rate limit, CORS, header changes, access log',
    front: { ...plainFront, filters: true },
    marks: [],
  },
  ...[1, 100, 10_000].map((routes): Scenario => ({
    ...plain,
    name: `routes-${routes}`,
    about: `${routes} ${routes === 1 ? 'route' : 'routes'} by path, the one in the middle asked`,
    front: { ...plainFront, routes },
    question: { ...product, path: `${routePath(Math.floor(routes / 2))}products` },
    marks: [],
  })),
  ...[2, 200].map((endpoints): Scenario => ({
    ...plain,
    name: `endpoints-${endpoints}`,
    about: `${endpoints} endpoints`,
    front: { ...plainFront, endpoints },
    marks: [],
  })),
  {
    ...plain,
    name: 'half-load',
    about: 'latency at half of our full speed, by schedule',
    load: 'half',
    marks: [{ what: 'p99-added', against: 'direct', limit: 1 }],
  },
]

/** The prefix of one of the many routes. */
export function routePath(index: number): string {
  return `/shops/s${index}/`
}

/** The prefixes of all routes of a front; empty where one route takes everything. */
export function routePaths(front: Front): string[] {
  return front.routes === 1 ? [] : Array.from({ length: front.routes }, (_, index) => routePath(index))
}
