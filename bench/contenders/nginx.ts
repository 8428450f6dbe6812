import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nginxBase } from '../nginx-backends.ts'
import { routePaths } from '../scenarios.ts'
import { findServer } from './contender.ts'
import type { Contender } from './contender.ts'

/**
 * Upstream keep-alive needs HTTP/1.1 and an empty Connection header. No X-Forwarded-* and no access log: less
 * than we do, the harder mark to meet.
 */
export const nginx: Contender = {
  name: 'nginx',
  find: () => findServer('nginx', '-v'),
  lacks: () => undefined,
  prepare({ program, folder, port, backends, front, certificate }) {
    const config = join(folder, 'nginx.conf')
    const { base, server } = front.filters ? filters(folder) : { base: '', server: '' }
    const locations = [...routePaths(front), '/'].map(
      (path) => `    location ${path} { proxy_pass http://shop; }`,
    )
    writeFileSync(
      config,
      `${nginxBase(folder)}
${base}
  upstream shop {
    least_conn;
${backends.map((address) => `    server ${address};`).join('\n')}
    keepalive ${Math.max(128, 4 * backends.length)};
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port}${front.tls ? ' ssl' : ''};
${front.tls ? `    ssl_certificate ${certificate.cert};\n    ssl_certificate_key ${certificate.key};` : ''}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
${server}
${locations.join('\n')}
  }
}
`,
    )
    return { command: program, args: ['-e', 'stderr', '-p', folder, '-c', config] }
  },
}

/** Without modules of others it cannot check a token: it only looks whether there is one. */
function filters(folder: string): { base: string; server: string } {
  return {
    base: `  limit_req_zone $binary_remote_addr zone=clients:10m rate=1000000r/s;
  log_format json escape=json '{"timestamp":"$time_iso8601","method":"$request_method","path":"$uri",'
    '"query":"$args","status":$status,"duration":$request_time,"requestSize":$request_length,'
    '"responseSize":$bytes_sent,"client":"$remote_addr","agent":"$http_user_agent",'
    '"id":"$request_id","endpoint":"$upstream_addr"}';`,
    server: `    access_log ${folder}/access.log json buffer=64k flush=1s;
    limit_req zone=clients burst=100000 nodelay;
    if ($http_authorization = "") { return 401; }
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Request-Id $request_id;
    proxy_set_header X-Tier gold;
    proxy_hide_header Server;
    add_header X-Frame-Options DENY always;
    add_header Access-Control-Allow-Origin https://shop.example always;`,
  }
}
