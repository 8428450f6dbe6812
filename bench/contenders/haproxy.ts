import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BearerToken } from '../bearer-token.ts'
import { routePaths } from '../scenarios.ts'
import { findServer } from './contender.ts'
import type { Contender } from './contender.ts'

/** One thread, as every contender has one core. `http-reuse always` shares idle upstream connections, its fastest mode. */
export const haproxy: Contender = {
  name: 'haproxy',
  find: () => findServer('haproxy', '-v'),
  lacks: () => undefined,
  prepare({ program, folder, port, backends, front, certificate, token }) {
    const config = join(folder, 'haproxy.cfg')
    const map = join(folder, 'routes.map')
    const paths = routePaths(front)
    // Prefixes in a map are a tree, its way of many routes.
    writeFileSync(map, paths.map((path) => `${path} shop\n`).join(''))
    const servers = backends.map((address, index) => `  server s${index} ${address} check`)
    writeFileSync(
      config,
      `${front.filters ? ring : ''}
global
  nbthread 1
  maxconn 8192
defaults
  mode http
  option http-keep-alive
  timeout connect 1s
  timeout client 1h
  timeout server 3s
  timeout http-keep-alive 1h
frontend web
  bind 127.0.0.1:${port}${front.tls ? ` ssl crt ${certificate.pem}` : ''}
${front.filters ? filters(token) : ''}
  ${paths.length === 0 ? 'default_backend shop' : `use_backend %[path,map_beg(${map},shop)]`}
backend shop
  balance leastconn
  http-reuse always
  option httpchk GET /healthz
  default-server inter 1s fall 3 rise 2
${servers.join('\n')}
`,
    )
    return { command: program, args: ['-db', '-f', config] }
  },
}

/** It has no log files: lines go to a ring in memory. */
const ring = `ring lines
  format raw
  maxlen 1200
  size 65536
`

function filters({ pemFile }: BearerToken): string {
  return `  option httplog
  log ring@lines local0
  stick-table type ip size 16k expire 10s store http_req_rate(1s)
  http-request track-sc0 src
  http-request deny deny_status 429 if { sc_http_req_rate(0) gt 1000000 }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify("RS256","${pemFile}") -m int 1 }
  option forwardfor
  unique-id-format %{+X}o%ci:%cp_%Ts_%rt
  http-request set-header X-Request-Id %[unique-id]
  http-request set-header X-Tier gold
  http-response del-header Server
  http-response set-header X-Frame-Options DENY
  http-response set-header Access-Control-Allow-Origin https://shop.example`
}
