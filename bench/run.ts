import { UsageError } from './options.ts'
import { Stage } from './stage.ts'

/** What a bench measured went well or not: the exit code. Wrong usage is thrown as `UsageError`. */
type Bench = (args: readonly string[], stage: Stage) => Promise<0 | 1>

const benches: Readonly<Record<string, { about: string; load: () => Promise<{ run: Bench }> }>> = {
  gateway: {
    about:
      'CPU per request, requests/s, latency and memory beside nginx, HAProxy, Envoy, Caddy, Node proxies',
    load: () => import('./gateway.bench.ts'),
  },
  routes: {
    about: 'finding a route among 1, 100 and 10 000 of each kind',
    load: () => import('./routes.bench.ts'),
  },
  cache: {
    about: 'CPU of a kept answer beside nginx; equal misses at once',
    load: () => import('./cache.bench.ts'),
  },
  idempotency: {
    about: 'CPU and latency of a keyed write and of a repeat beside a plain write',
    load: () => import('./idempotency.bench.ts'),
  },
  ownership: {
    about: 'CPU of a request with and without `failover` on its service, in one gateway',
    load: () => import('./ownership.bench.ts'),
  },
  reload: { about: '100 reloads under load: no request fails', load: () => import('./reload.bench.ts') },
  aborts: { about: '10 % of clients abort: nothing leaks', load: () => import('./aborts.bench.ts') },
  strictness: {
    about: 'the corpus of ambiguous and broken messages through Budao, nginx and HAProxy',
    load: () => import('./strictness.bench.ts'),
  },
  overload: {
    about: 'three times what a backend can: goodput, and who is answered',
    load: () => import('./overload.bench.ts'),
  },
  soak: {
    about: 'a million requests, 10 % of clients abort: memory stays flat',
    load: () => import('./soak.bench.ts'),
  },
  'slow-clients': {
    about: '2 000 clients that are slow on purpose: what the others notice',
    load: () => import('./slow-clients.bench.ts'),
  },
  'idle-close': {
    about: 'backends close idle connections at random: no client sees an error',
    load: () => import('./idle-close.bench.ts'),
  },
  keepalived: {
    about: 'two nodes share an address by the real keepalived: how long until it has moved, if it does',
    load: () => import('./keepalived.bench.ts'),
  },
  failover: {
    about: 'the site that writes fails: how long until a write is acknowledged, beside keepalived and nginx',
    load: () => import('./failover.bench.ts'),
  },
  'replication-db': {
    about: 'MariaDB to Kafka to MariaDB: rows/s and lag, beside replication of its own',
    load: () => import('./replication-db.bench.ts'),
  },
  'replication-bootstrap': {
    about: 'an empty site is filled from another one that is written to: rows/s and MB/s, SQLite and MariaDB',
    load: () => import('./replication-bootstrap.bench.ts'),
  },
  dns: {
    about: 'DNS questions per core beside PowerDNS, memory, and how soon a change is in the answers',
    load: () => import('./dns.bench.ts'),
  },
  rollout: {
    about:
      'how soon a bad release is sent back, how often a good one, beside rules of Flagger and Argo Rollouts',
    load: () => import('./rollout.bench.ts'),
  },
  rollback: {
    about:
      'a release is sent back at three gateways, one of them cut off: how long until it is asked for the last time',
    load: () => import('./rollback.bench.ts'),
  },
  sdk: {
    about:
      'libraries of mini programs in the same simulated phone: answered, p99, requests, doubled and lost writes',
    load: () => import('./sdk.bench.ts'),
  },
  'sdk-overhead': {
    about: 'what a call through the SDK takes beyond bare request, in real time',
    load: () => import('./sdk-overhead.bench.ts'),
  },
  replication: {
    about: 'the embedded event log, and changes from one SQLite site to the other: events/s, lag',
    load: () => import('./replication.bench.ts'),
  },
  alerts: {
    about: 'from a line in a file to a message at a webhook and by mail; 5 000 alerts at once',
    load: () => import('./alerts.bench.ts'),
  },
  logs: {
    about: 'file to store and file to Elasticsearch’s bulk beside rsyslog: lines/s, CPU a line, memory',
    load: () => import('./logs.bench.ts'),
  },
  blackhole: {
    about: 'a backend accepts and never answers: found, ejected, users answered in time',
    load: () => import('./blackhole.bench.ts'),
  },
}

const usage = [
  'npm run bench -- NAME [options]',
  '',
  ...Object.entries(benches).map(([name, { about }]) => `  ${name.padEnd(12)} ${about}`),
  '',
  'npm run bench -- gateway --rounds 3 --seconds 2 --only budao,nginx --json rounds.json',
  'NAME --help lists its options. Exit code: 0 done, 1 failed or incorrect, 2 wrong usage.',
].join('\n')

process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--help' || name === '-h') return say(usage, 0)
  const bench = benches[name ?? '']
  if (bench === undefined) return say(usage, 2)
  if (process.platform !== 'linux') return say('benches read /proc and pin with taskset: Linux only', 1)

  await using stage = new Stage()
  try {
    const { run } = await bench.load()
    return await run(args, stage)
  } catch (error) {
    if (isUsageError(error)) return say(`${error.message}\n${name} --help lists the options`, 2)
    return say(error instanceof Error ? (error.stack ?? error.message) : String(error), 1)
  }
}

function isUsageError(error: unknown): error is Error {
  if (error instanceof UsageError) return true
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
}

function say(text: string, code: number): number {
  const out = code === 0 ? process.stdout : process.stderr
  out.write(`${text}\n`)
  return code
}
