import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findServer } from './contender.ts'
import type { Contender } from './contender.ts'

/** One thread of Go code. It adds X-Forwarded-*, as ours; no log. */
export const caddy: Contender = {
  name: 'caddy',
  find: () => findServer('caddy', 'version'),
  lacks: ({ filters, routes }) =>
    filters || routes > 1 ? 'no filters and no many routes set up for it here' : undefined,
  prepare({ program, folder, port, backends, front, certificate }) {
    const config = join(folder, 'Caddyfile')
    const [scheme, tls] = front.tls ? ['https', `tls ${certificate.cert} ${certificate.key}`] : ['http', '']
    writeFileSync(
      config,
      `{
  admin off
  auto_https off
  servers {
    protocols h1
  }
}
${scheme}://127.0.0.1:${port}, ${scheme}://localhost:${port} {
  bind 127.0.0.1
  ${tls}
  reverse_proxy ${backends.join(' ')} {
    lb_policy least_conn
    health_uri /healthz
    health_interval 1s
    health_timeout 500ms
    transport http {
      keepalive_idle_conns 1024
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
    )
    return {
      command: program,
      args: ['run', '--adapter', 'caddyfile', '--config', config],
      env: { GOMAXPROCS: '1', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    }
  },
}
