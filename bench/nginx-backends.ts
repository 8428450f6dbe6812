import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '@budao/testkit'
import { productJson } from './product.ts'
import type { Stage } from './stage.ts'

/** Addresses of one nginx worker: fast enough that the proxy in front is what is measured. */
export interface Backends {
  /** Named `a` and `b`, in turn, in the answer's `X-Backend`. */
  readonly addresses: readonly string[]
  /** What `/large` answers. */
  readonly large: Buffer
}

export const missingJson = '{"error":"no such product"}'

/** Resolves once all of `count` answer. They end with the stage. */
export async function startNginxBackends(
  stage: Stage,
  nginx: string,
  core: number,
  count = 2,
): Promise<Backends> {
  const origin = stage.startNode('origin', [fileURLToPath(new URL('origin.ts', import.meta.url)), 'echo'], {
    core,
  })
  const echoPort = Number((await origin.waitForOutput(/listening (\d+)/))[1])
  const folder = join(stage.folder, 'backends')
  mkdirSync(folder)
  const large = randomBytes(256 * 1024)
  writeFileSync(join(folder, 'large'), large)
  writeFileSync(join(folder, '10k'), Buffer.alloc(10_000, 'k'))
  writeFileSync(join(folder, '1m'), Buffer.alloc(1_000_000, 'm'))
  writeFileSync(join(folder, '4m'), Buffer.alloc(4_000_000, 'm'))
  const ports: number[] = []
  while (ports.length < count) ports.push(await freePort())
  const config = join(folder, 'nginx.conf')
  writeFileSync(config, backendConfig(folder, ports, echoPort))
  const backends = stage.start('nginx backends', nginx, ['-e', 'stderr', '-p', folder, '-c', config], {
    core,
  })
  for (const port of ports) await backends.waitForPort(port)
  return { addresses: ports.map((port) => `127.0.0.1:${port}`), large }
}

/** Settings that every nginx of a bench shares: in the foreground, in its own folder, one worker. */
export function nginxBase(folder: string): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${folder}/${name};`)
    .join('\n')
  // As root the workers would become a user who may not enter the temp folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : ''
  return `${user}daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
${temp}
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
`
}

function backendConfig(folder: string, ports: readonly number[], echoPort: number): string {
  const servers = ['a', 'b'].map(
    (name, first) => `  server {
${ports
  .filter((_, index) => index % 2 === first)
  .map((port) => `    listen 127.0.0.1:${port};`)
  .join('\n')}
    add_header X-Backend ${name} always;
    location / { return 200 '${productJson}'; }
    location = /healthz { return 200 '{"ok":true}'; }
    location = /missing { return 404 '${missingJson}'; }
    location ~ ^/(large|10k|1m|4m)$ { root ${folder}; default_type application/octet-stream; }
    location ~ ^/(echo|late|stream)$ { proxy_pass http://echo; proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }`,
  )
  return `${nginxBase(folder)}
  default_type application/json;
  upstream echo { server 127.0.0.1:${echoPort}; keepalive 8; }
${servers.join('\n')}
}
`
}
