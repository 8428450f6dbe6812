import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nginxBase } from '../nginx-backends.ts'
import { findServer } from './contender.ts'
import type { Contender } from './contender.ts'

/**
 * Upstream keep-alive needs HTTP/1.1 and an empty Connection header. No X-Forwarded-* and no access log: less
 * than we do, the harder mark to meet.
 */
export const nginx: Contender = {
  name: 'nginx',
  find: () => findServer('nginx', '-v'),
  prepare({ program, folder, port, backends }) {
    const config = join(folder, 'nginx.conf')
    writeFileSync(
      config,
      `${nginxBase(folder)}
  upstream shop {
    least_conn;
    server ${backends[0]};
    server ${backends[1]};
    keepalive 128;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://shop;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
}
`,
    )
    return { command: program, args: ['-e', 'stderr', '-p', folder, '-c', config] }
  },
}
