// The same requests through a real nginx with the original file, and through a gateway with what was imported from it.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Gateway } from '@budao/gateway'
import { createSnapshot } from '@budao/model'
import { parseConfig } from '@budao/model/parser'
import { freePort, rawExchange, rawServer, requireDebian, startProcess, tempDir } from '@budao/testkit'
import { wholeConfig, yamlOf } from '../written-config.ts'
import { nginx } from './nginx.ts'

interface Case {
  readonly what: string
  /** What stands in `http`; `@P1@`, `@P2@` are ports to listen at, `@A@`, `@B@` addresses of backends, `@DOWN@` one where nothing listens. */
  readonly conf: string
  /** `METHOD /target`, and then header lines; `@2` after the method asks at the second port. */
  readonly requests: readonly string[]
}

const proxied = 'listen @P1@; proxy_set_header Host $host;'

const cases: readonly Case[] = [
  {
    what: 'locations: exact, firm prefix, regular expressions in order, longest prefix',
    conf: `server { ${proxied}
      location / { proxy_pass http://@A@; proxy_set_header X-Location root; }
      location = / { proxy_pass http://@A@; proxy_set_header X-Location exact; }
      location /docs/ { proxy_pass http://@A@; proxy_set_header X-Location docs; }
      location /docs/deep/ { proxy_pass http://@A@; proxy_set_header X-Location deep; }
      location ^~ /images/ { proxy_pass http://@A@; proxy_set_header X-Location images; }
      location ~* \\.(gif|jpg|jpeg)$ { proxy_pass http://@A@; proxy_set_header X-Location pictures; }
      location ~ ^/docs/.*\\.GIF { proxy_pass http://@A@; proxy_set_header X-Location second; }
    }`,
    requests: [
      '/',
      '/index.html',
      '/docs/document.html',
      '/docs/deep/er',
      '/docs/deep/a.GIF',
      '/images/1.gif',
      '/docs/1.jpg',
      '/docs/1.GIF.txt',
      '/x.JPEG',
      '/docs?x=.gif',
      '/images',
      '/docs',
    ],
  },
  {
    what: 'an unmarked prefix below a firm one is open to regular expressions',
    conf: `server { ${proxied}
      location / { proxy_pass http://@A@; proxy_set_header X-Location root; }
      location ^~ /a/ { proxy_pass http://@A@; proxy_set_header X-Location a; }
      location /a/b/ { proxy_pass http://@A@; proxy_set_header X-Location ab; }
      location ^~ /a/b/c/ { proxy_pass http://@A@; proxy_set_header X-Location abc; }
      location ~ \\.x$ { proxy_pass http://@A@; proxy_set_header X-Location x; }
    }`,
    requests: ['/a/1.x', '/a/b/1.x', '/a/b/1.y', '/a/b/c/1.x', '/b.x', '/b.y', '/a/b', '/a/b/c'],
  },
  {
    what: 'prefixes are any text',
    conf: `server { ${proxied}
      location /api { proxy_pass http://@A@; proxy_set_header X-Location api; }
      location /ap { proxy_pass http://@A@; proxy_set_header X-Location ap; }
      location /api/v1/ { proxy_pass http://@A@; proxy_set_header X-Location v1; }
    }`,
    requests: [
      '/api',
      '/api/',
      '/apix',
      '/api.v2/x',
      '/ap',
      '/apple',
      '/api/v1',
      '/api/v1/',
      '/api/v1/x',
      '/a',
      '/',
    ],
  },
  {
    what: 'proxy_pass with and without a path',
    conf: `server { ${proxied}
      location /keep/ { proxy_pass http://@A@; }
      location /cut/ { proxy_pass http://@A@/; }
      location /move/ { proxy_pass http://@A@/v2/; }
      location /bare { proxy_pass http://@A@/other; }
      location = /one { proxy_pass http://@A@/two; }
      location /rw/ { rewrite ^/rw/(.*)$ /done/$1 break; proxy_pass http://@A@; }
    }`,
    requests: [
      '/keep/a?b=c',
      '/cut/a/b?c',
      '/cut/',
      '/move/x/',
      '/bare',
      '/bare/x?y=z',
      '/one',
      '/one?q',
      '/rw/a/b',
      'POST /cut/x',
    ],
  },
  {
    what: 'names: whole, under a domain, the default for the rest',
    conf: `server { ${proxied} server_name a.example; location / { proxy_pass http://@A@; proxy_set_header X-Location a; } }
      server { ${proxied} server_name *.b.example; location / { proxy_pass http://@A@; proxy_set_header X-Location wild; } }
      server { ${proxied} server_name .deep.b.example; location / { proxy_pass http://@A@; proxy_set_header X-Location deep; } }
      server { ${proxied} server_name x.b.example; location /only/ { proxy_pass http://@A@; proxy_set_header X-Location x; } }
      server { listen @P1@ default_server; server_name _; location / { proxy_pass http://@A@; proxy_set_header X-Location rest; proxy_set_header Host $host; } }`,
    requests: [
      '/ | Host: a.example',
      '/ | Host: A.EXAMPLE:1234',
      '/ | Host: y.b.example',
      '/ | Host: b.example',
      '/ | Host: deep.b.example',
      '/ | Host: z.deep.b.example',
      '/only/1 | Host: x.b.example',
      '/other | Host: x.b.example',
      '/ | Host: unknown',
    ],
  },
  {
    what: 'one name at two ports: a redirect at one, the API at the other',
    conf: `server { listen @P1@; server_name shop.example; return 301 https://$host$request_uri; }
      server { listen @P2@; server_name shop.example; proxy_set_header Host $host; location / { proxy_pass http://@A@; } }`,
    requests: [
      '/x?y=1 | Host: shop.example',
      '@2 /x?y=1 | Host: shop.example',
      '/ | Host: other',
      '@2 / | Host: other',
    ],
  },
  {
    what: 'return: texts, statuses, addresses',
    conf: `server { listen @P1@;
      location = /ping { default_type text/plain; return 200 "pong"; }
      location = /gone { return 410; }
      location = /empty { return 204; }
      location /old/ { return 301 /new/; }
      location /away/ { return 302 https://other.example/x; }
      location /host/ { return 307 http://other.example:8080$request_uri; }
      location = /login { return http://id.example/; }
      location /moved/ { rewrite ^/moved/(.*)$ /here/$1 permanent; }
      location /secret/ { deny all; }
      location /files/ { root /nowhere; }
    }`,
    requests: [
      '/ping',
      'POST /ping',
      '/gone',
      '/empty',
      '/old/x?y',
      '/away/z',
      '/host/a/b?c=d',
      '/login',
      '/moved/a/b',
      '/secret/x',
      '/files/x',
      '/nothing',
    ],
  },
  {
    what: 'headers: set, emptied, added, hidden, inherited as a whole or not at all',
    conf: `proxy_set_header X-Outer 1;
      server { listen @P1@;
      proxy_set_header Host $http_host; proxy_set_header X-Server s; add_header X-Added server always;
      location /inherits/ { proxy_pass http://@A@; }
      location /own/ { proxy_pass http://@A@; proxy_set_header X-Own o; add_header X-Own-Answer a always; }
      location /empty/ { proxy_pass http://@A@; proxy_set_header Host $host; proxy_set_header X-Client ""; }
      location /fixed/ { proxy_pass http://@A@; proxy_set_header Host fixed.example; proxy_hide_header X-Origin; }
    }`,
    requests: [
      '/inherits/ | Host: a.example | X-Client: 1',
      '/own/ | Host: a.example | X-Client: 1',
      '/empty/ | Host: a.example | X-Client: 1',
      '/fixed/ | Host: a.example',
    ],
  },
  {
    what: 'upstream: one that is gone is passed over, one that is down gets nothing, the backup waits',
    conf: `upstream pair { server @DOWN@; server @A@; }
      upstream spare { server @DOWN@; server @B@ backup; }
      upstream off { server @B@ down; server @A@; }
      server { ${proxied}
      location /pair/ { proxy_pass http://pair; }
      location /spare/ { proxy_pass http://spare; }
      location /off/ { proxy_pass http://off; }
      location /gone/ { proxy_pass http://@DOWN@; }
    }`,
    requests: [
      '/pair/1',
      '/pair/2',
      '/spare/1',
      '/spare/2',
      '/off/1',
      '/off/2',
      '/off/3',
      '/gone/',
      'POST /pair/3',
    ],
  },
  {
    what: 'hash: the same key goes to the same place, and variables are fixed texts',
    conf: `upstream one { hash $cookie_sid consistent; server @A@; }
      server { ${proxied} set $where one; client_max_body_size 1k;
      location / { proxy_pass http://$where; }
    }`,
    requests: ['/ | Cookie: sid=1', '/x'],
  },
]

for (const { what, conf, requests } of cases) {
  test(what, async (t) => {
    const program = await requireDebian(t, 'nginx-light', 'nginx')
    if (program === undefined) return
    const a = await echo(t, 'a')
    const b = await echo(t, 'b')
    const down = `127.0.0.1:${await freePort()}`
    const filled = (ports: readonly number[]): string =>
      conf
        .replaceAll('@P1@', `127.0.0.1:${ports[0]}`)
        .replaceAll('@P2@', `127.0.0.1:${ports[1]}`)
        .replaceAll('@A@', a)
        .replaceAll('@B@', b)
        .replaceAll('@DOWN@', down)
    const theirs = [await freePort(), await freePort()]
    const ours = [await freePort(), await freePort()]
    await startNginx(t, program, filled(theirs), theirs[0]!)
    await startImported(t, filled(ours))
    for (const request of requests) {
      const expected = await ask(t, theirs, request)
      assert.deepEqual(await ask(t, ours, request), expected, request)
    }
  })
}

/** Answers with what it was asked for. */
async function echo(t: TestContext, name: string): Promise<string> {
  const server = await rawServer(t, async ({ connection, method, target, header, body }) => {
    const seen = {
      name,
      method,
      target,
      host: header('host'),
      location: header('x-location'),
      headers: ['x-outer', 'x-server', 'x-own', 'x-client'].map((each) => header(each) ?? null),
      body: await body(),
    }
    const text = JSON.stringify(seen)
    connection.write(`HTTP/1.1 200 OK\r\nX-Origin: ${name}\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
  })
  return `127.0.0.1:${server.port}`
}

async function startNginx(t: TestContext, program: string, http: string, port: number): Promise<void> {
  const dir = tempDir(t)
  for (const each of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(dir, each))
  writeFileSync(
    join(dir, 'nginx.conf'),
    `daemon off; master_process off; pid ${dir}/pid; error_log ${dir}/error.log; events {}
    http { access_log off; client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
    uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi; root ${dir}/nothing;
    ${http} }`,
  )
  const server = startProcess(t, program, [
    '-p',
    dir,
    '-c',
    join(dir, 'nginx.conf'),
    '-e',
    join(dir, 'error.log'),
  ])
  await server.waitForPort(port)
}

async function startImported(t: TestContext, text: string): Promise<void> {
  const { fragment } = nginx.read(text, {
    file: 'nginx.conf',
    site: 'main',
    endpoints: {},
    include: () => [],
  })
  const parsed = parseConfig(yamlOf(wholeConfig(fragment), []), 'imported.yaml')
  assert.ok(parsed.ok, JSON.stringify(parsed))
  const gateway = new Gateway(parsed.config, {
    version: '0.0.0-test',
    baseDir: tempDir(t),
    report: () => {},
    warn: () => {},
  })
  t.after(() => gateway.close())
  await gateway.start(createSnapshot(parsed.config, 'imported.yaml', 0, Date.now()))
}

interface Seen {
  readonly status: number
  readonly location: string | undefined
  readonly added: readonly (string | undefined)[]
  /** Of an own error page only the status counts. */
  readonly body: unknown
}

/** Asks `[@2] [METHOD] /target | Header: value | …`. */
async function ask(t: TestContext, ports: readonly number[], request: string): Promise<Seen> {
  const [line = '', ...headers] = request.split(' | ')
  const words = line.split(' ')
  const port = words[0] === '@2' ? (words.shift(), ports[1]!) : ports[0]!
  const [method, target] = words.length === 1 ? ['GET', words[0]!] : [words[0]!, words[1]!]
  const host = headers.some((each) => each.startsWith('Host:')) ? [] : ['Host: shop.example']
  const body = method === 'POST' ? 'hello' : ''
  const length = method === 'POST' ? [`Content-Length: ${body.length}`] : []
  const head = [`${method} ${target} HTTP/1.1`, ...host, ...headers, ...length, 'Connection: close']
  const response = await rawExchange(t, port, `${head.join('\r\n')}\r\n\r\n${body}`)
  const location = response.header('location')
  const name =
    /^Host: ([^:]*)/.exec(headers.find((each) => each.startsWith('Host:')) ?? '')?.[1] ?? 'shop.example'
  const isEcho = response.body.startsWith('{"name"')
  return {
    status: response.status,
    // nginx writes the whole address, with its own port; where it leads is what counts.
    location: location === undefined ? undefined : absolute(location, name, port),
    added: ['x-added', 'x-own-answer', 'x-origin'].map((each) => response.header(each)),
    body: isEcho ? JSON.parse(response.body) : response.status < 300 ? response.body : '',
  }
}

function absolute(location: string, host: string, port: number): string {
  const url = new URL(location, `http://${host}:${port}`)
  if (Number(url.port) === port) url.port = ''
  return url.href
}
