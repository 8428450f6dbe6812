import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LogRecord, LogsConfig } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { LogsHost } from './logs-host.ts'

const files = (
  paths: string[],
  more: Partial<LogsConfig['files'][number]> = {},
): LogsConfig['files'][number] => ({
  paths,
  exclude: [],
  attributes: {},
  parser: 'auto',
  encoding: 'utf-8',
  startAt: 'beginning',
  lineBytes: 65_536,
  ...more,
})

const config = (...of: LogsConfig['files']): LogsConfig => ({
  files: of,
  own: false,
  store: { search: true, keep: 604_800_000, bytes: 1e9, whenFull: 'block' },
  sinks: {},
})

test('a reload: a path more, a path less, another format, while lines come and a file is rotated; none is lost or twice', async (t) => {
  const folder = tempDir(t)
  mkdirSync(join(folder, 'logs'))
  const path = (name: string): string => join(folder, 'logs', name)
  let written = 0
  const write = (name: string, from = written): void => {
    for (; written < from + 200; written++)
      appendFileSync(path(name), `level=warn order=${written} msg="m${written}"\n`)
  }
  const host = await LogsHost.start(config(files(['logs/a.log'])), {
    baseDir: folder,
    dataDir: join(folder, 'data'),
    ownFiles: [],
    report: () => {},
    warn: (message) => t.diagnostic(message),
  })
  t.after(() => host.close())
  const all = async (filter: string): Promise<readonly LogRecord[]> =>
    (await host.query({ filter, from: 0, to: Number.MAX_SAFE_INTEGER, limit: 5_000 })).records
  const until = async (filter: string, count: number): Promise<readonly LogRecord[]> => {
    const end = performance.now() + 60_000
    for (;;) {
      const found = await all(filter)
      if (found.length >= count) return found
      assert.ok(performance.now() < end, `not within 60 s: ${count} of ${filter}, ${found.length} are there`)
      await sleep(50)
    }
  }

  write('a.log')
  await until('*', 100)
  // A path more, while lines come.
  write('a.log')
  const more = host.apply(config(files(['logs/a.log', 'logs/b.log'])), { ownFiles: [] })
  write('a.log')
  write('b.log')
  await more
  await until('*', written)

  // Another format, and the file is rotated meanwhile: what was read before stays as it is, what comes is read so.
  const before = written
  write('a.log')
  await until('*', written)
  const other = host.apply(
    config(files(['logs/a.log', 'logs/b.log'], { parser: 'logfmt', service: 'shop' })),
    { ownFiles: [] },
  )
  const asLogfmt = written
  await other
  write('a.log')
  renameSync(path('a.log'), path('a.log.1'))
  write('a.log')
  assert.ok(before < asLogfmt)
  const inForm = await until('service:shop log.level:warn order:*', written - asLogfmt)
  assert.equal(inForm.length, written - asLogfmt)

  // A path less: nothing more of it. And back: it goes on where it was.
  await host.apply(config(files(['logs/a.log'], { parser: 'logfmt', service: 'shop' })), { ownFiles: [] })
  const gone = written
  write('b.log')
  write('a.log')
  await until('*', written - 200)
  assert.equal((await all(`order:${gone}`)).length, 0)
  await host.apply(config(files(['logs/*.log'], { parser: 'logfmt', service: 'shop' })), { ownFiles: [] })
  const records = await until('*', written)
  const numbers = records
    .map(({ body, attributes }) => Number(/m(\d+)/.exec(body)?.[1] ?? attributes['order']))
    .toSorted((a, b) => a - b)
  assert.deepEqual(
    numbers,
    Array.from({ length: written }, (_, number) => number),
  )

  // What cannot be used is refused, and what was read before is read on.
  await assert.rejects(
    host.apply(config(files(['logs/*.log'], { multiline: { start: '(', lines: 5, quiet: 100 } })), {
      ownFiles: [],
    }),
  )
  write('a.log')
  assert.equal((await until('*', written)).length, written)
})
