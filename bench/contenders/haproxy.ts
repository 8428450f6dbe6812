import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findServer } from './contender.ts'
import type { Contender } from './contender.ts'

/** One thread, as every contender has one core. `http-reuse always` shares idle upstream connections, its fastest mode. */
export const haproxy: Contender = {
  name: 'haproxy',
  find: () => findServer('haproxy', '-v'),
  prepare({ program, folder, port, backends }) {
    const config = join(folder, 'haproxy.cfg')
    writeFileSync(
      config,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option http-keep-alive
  timeout connect 1s
  timeout client 1h
  timeout server 3s
  timeout http-keep-alive 1h
frontend web
  bind 127.0.0.1:${port}
  default_backend shop
backend shop
  balance leastconn
  http-reuse always
  option httpchk GET /healthz
  default-server inter 1s fall 3 rise 2
  server a ${backends[0]} check
  server b ${backends[1]} check
`,
    )
    return { command: program, args: ['-db', '-f', config] }
  },
}
