import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { requireDebian } from './debian.ts'
import type { TestHost } from './namespaces.ts'
import { freePort } from './ports.ts'
import { startProcess, type TestProcess } from './processes.ts'
import { tempDir } from './temp-dir.ts'

/** A MariaDB server of one site; it can be killed and started again with what it had. */
export interface MariadbServer {
  readonly host: '127.0.0.1'
  readonly port: number
  /** Has every right, and no password. */
  readonly user: 'root'
  process: TestProcess
  /** After a kill: the same server again, with its data; `args` are added to those it was started with. */
  restart(args?: readonly string[]): Promise<void>
}

/** A server that is not started yet. */
export interface MariadbData {
  /** Of 127.0.0.1, of its own machine. */
  readonly port: number
  /** Answers whatever network the server is in. */
  readonly socketPath: string
  /** Starts it with what it had. */
  start(args?: readonly string[]): TestProcess
}

/** How a server differs from others. */
export interface MariadbOptions {
  /** Server id and GTID domain, one for each site. Default 1. */
  readonly site?: number
  /** More arguments of mariadbd; the last one of a name counts. */
  readonly args?: readonly string[]
  /** A machine of the test's network; absent: this one. */
  readonly host?: TestHost
  /** Where its data goes; absent: a folder of its own. */
  readonly folder?: string
}

/**
 * A MariaDB server on a free port of 127.0.0.1, ready to answer, that writes a row binlog a replicator can read: full
 * images, full metadata, its own GTID domain, every commit on the disk. Undefined where it cannot be had: the test is then
 * skipped, or fails with `CI=true`.
 */
export async function startMariadb(
  t: TestContext,
  options: MariadbOptions = {},
): Promise<MariadbServer | undefined> {
  const data = await makeMariadb(t, options)
  if (data === undefined) return undefined
  const server: MariadbServer = {
    host: '127.0.0.1',
    port: data.port,
    user: 'root',
    process: data.start(),
    restart: async (more) => {
      server.process = data.start(more)
      await ready(server)
    },
  }
  await ready(server)
  return server
}

/** The data of such a server, for whoever starts it himself. */
export async function makeMariadb(
  t: TestContext,
  { site = 1, args = [], host, folder = tempDir(t) }: MariadbOptions = {},
): Promise<MariadbData | undefined> {
  // The package with the daemon alone: nothing that starts it as a service, or as anybody else.
  const program = await requireDebian(t, 'mariadb-server-core', 'mariadbd')
  if (program === undefined) return undefined
  const [port, socketPath, temporary] = [await freePort(), join(folder, 's.sock'), join(folder, 'tmp')]
  cpSync(initialData(program), join(folder, 'data'), { recursive: true })
  mkdirSync(temporary, { recursive: true })
  const fixed = [
    '--no-defaults',
    ...asRoot(),
    ...small,
    ...['--port', String(port), '--bind-address', '127.0.0.1', '--skip-name-resolve'],
    ...['--datadir', join(folder, 'data'), '--socket', socketPath],
    // Its own: a server that starts removes every `#sql*` from its folder of temporary files, and one whose temporary table goes
    // between being made and being opened is ended by a null pointer (10.11, `ha_maria::drop_table`).
    ...['--tmpdir', temporary],
    ...['--pid-file', join(folder, 'pid'), '--performance-schema=OFF'],
    ...[`--server-id=${site}`, `--gtid-domain-id=${site}`, '--log-bin=binlog', '--log-slave-updates'],
    ...['--gtid-strict-mode=ON', '--binlog-format=ROW', '--binlog-row-image=FULL'],
    ...['--binlog-row-metadata=FULL', '--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1'],
    ...args,
  ]
  return {
    port,
    socketPath,
    start: (more = []) => {
      const all = [...fixed, ...more]
      return host === undefined ? startProcess(t, program, all) : host.start(t, program, all)
    },
  }
}

async function ready({ process }: MariadbServer): Promise<void> {
  await process.waitForOutput(/ready for connections/, 30_000)
}

/** So little that several fit on a small machine. */
const small = [
  '--innodb-buffer-pool-size=32M',
  '--innodb-log-file-size=32M',
  '--innodb-data-file-path=ibdata1:4M:autoextend',
  '--innodb-temp-data-file-path=ibtmp1:4M:autoextend',
  '--innodb-autoextend-increment=4',
]

function asRoot(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=root'] : []
}

/** The folder of a new server with its system tables: made once for each version, and copied. */
function initialData(program: string): string {
  const version = /(\d+\.\d+\.\d+)-MariaDB/.exec(
    spawnSync(program, ['--no-defaults', '--version'], { encoding: 'utf8' }).stdout,
  )?.[1]
  const folder = join(tmpdir(), `budao-mariadb-${version ?? 'unknown'}`)
  if (existsSync(folder)) return folder
  const scripts = ['mysql_system_tables.sql', 'mysql_system_tables_data.sql'].map((name) => {
    const [path] = globSync(`/usr/share/{mysql,mariadb}/${name}`)
    if (path === undefined) throw new Error(`mariadb-server-core has no ${name}`)
    return readFileSync(path, 'utf8')
  })
  // Aside, and then in place as a whole: another test may be doing it too.
  const draft = `${folder}.${process.pid}`
  mkdirSync(draft, { recursive: true })
  const run = spawnSync(
    program,
    [
      ...['--no-defaults', '--bootstrap', ...asRoot(), ...small, '--datadir', draft, '--tmpdir', draft],
      '--aria-log-file-size=8M',
    ],
    {
      encoding: 'utf8',
      input: `create database mysql;\nuse mysql;\nset @auth_root_socket=null;\n${scripts.join('\n')}`,
      timeout: 120_000,
    },
  )
  try {
    if (run.status !== 0) throw new Error(`mariadbd --bootstrap failed:\n${run.stderr}`)
    if (!existsSync(folder)) renameSync(draft, folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}
