import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { tempDir } from '@budao/testkit'
import { createModuleFilter, defineFilter } from './module.ts'
import { testEnv, testRecord, TestRequest, TestResponse } from './test-exchange.test.ts'

test('a TypeScript module gets its options and its environment, and keeps its own this', async (t) => {
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'tag.ts'),
    `interface Options { readonly header: string }
     class Tag {
       readonly name = 'tag'
       seen = 0
       header: string
       value: string
       constructor(header: string, value: string) { this.header = header; this.value = value }
       onRequest(request: any): undefined { this.seen++; request.setHeader(this.header, this.value + this.seen) }
       onResponse(_request: any, response: any): void { response.setHeader(this.header, this.value) }
       onEnd(_request: any, record: any): void { this.seen += record.status }
       close(): void { this.seen = 0 }
     }
     export default async (options: Options, env: { site: string }) => new Tag(options.header, env.site)`,
  )
  const filter = await createModuleFilter({ path: 'tag.ts', options: { header: 'X-Tag' } }, testEnv(dir))
  assert.equal(filter.name, 'tag')
  const request = new TestRequest()
  const response = new TestResponse()
  assert.equal(filter.onRequest?.(request), undefined)
  filter.onResponse?.(request, response)
  filter.onEnd?.(request, testRecord())
  assert.equal(filter.onRequest?.(request), undefined)
  assert.equal(request.headers['x-tag'], 'east202')
  assert.equal(response.headers['x-tag'], 'east')
  await filter.close?.()
})

test('a module may export a filter itself; its file names it, and absent hooks stay absent', async (t) => {
  const dir = tempDir(t)
  writeFileSync(
    join(dir, 'deny.mjs'),
    `export default { onRequest: () => ({ status: 451, headers: [['X-A', 'b']], body: 'no' }) }`,
  )
  const filter = await createModuleFilter({ path: 'deny.mjs' }, testEnv(dir))
  assert.equal(filter.name, 'deny.mjs')
  assert.deepEqual(filter.onRequest?.(new TestRequest()), {
    status: 451,
    headers: [['X-A', 'b']],
    body: 'no',
  })
  assert.deepEqual(Object.keys(filter), ['name', 'onRequest'])
})

test('a changed module is loaded afresh, an unchanged one is not', async (t) => {
  const dir = tempDir(t)
  const write = (name: string): void =>
    writeFileSync(
      join(dir, 'count.mjs'),
      `let made = 0; export default () => ({ name: '${name}' + ++made, close() {} })`,
    )
  const load = async (): Promise<string> =>
    (await createModuleFilter({ path: 'count.mjs' }, testEnv(dir))).name
  write('a')
  assert.equal(await load(), 'a1')
  assert.equal(await load(), 'a2')
  write('b')
  assert.equal(await load(), 'b1')
})

test('a module that failed is tried again at the next reload, though it has not changed', async (t) => {
  const dir = tempDir(t)
  const source = `import { readFileSync } from 'node:fs'
    export default { name: readFileSync(new URL('name.txt', import.meta.url), 'utf8'), close() {} }`
  writeFileSync(join(dir, 'named.mjs'), source)
  await assert.rejects(
    createModuleFilter({ path: 'named.mjs' }, testEnv(dir)),
    /named\.mjs: failed while it was loaded: ENOENT/,
  )
  writeFileSync(join(dir, 'name.txt'), 'night')
  assert.equal((await createModuleFilter({ path: 'named.mjs' }, testEnv(dir))).name, 'night')
})

const broken: [source: string | null, problem: RegExp][] = [
  [null, /f\.mjs: cannot be read: ENOENT/],
  ['export const x = 1', /f\.mjs: expected a default export, got none/],
  ['export default 1', /f\.mjs: expected a filter, an object with hooks, got 1/],
  ['export default null', /got null/],
  ['export default () => {}', /got undefined/],
  ['export default {}', /expected one of onRequest, onResponse, onEnd, close, got none/],
  ['export default { onRequest: 1 }', /expected onRequest to be a function, got 1/],
  ['export default () => { throw new Error("no key") }', /its function failed: no key/],
  ['export default async () => { throw new Error("no key") }', /its function failed: no key/],
  ['throw new Error("at once")', /failed while it was loaded: at once/],
  ['export default {', /failed while it was loaded/],
]
for (const [source, problem] of broken) {
  test(`a module of ${JSON.stringify(source)} is refused with its file and reason`, async (t) => {
    const dir = tempDir(t)
    if (source !== null) writeFileSync(join(dir, 'f.mjs'), source)
    await assert.rejects(createModuleFilter({ path: 'f.mjs' }, testEnv(dir)), problem)
  })
}

const replies: [reply: string, problem: RegExp | null][] = [
  [`undefined`, null],
  [`{ status: 200, headers: [], body: '' }`, null],
  [`null`, /status from 200 to 599, got undefined/],
  [`{ status: 99, headers: [], body: '' }`, /got 99/],
  [`{ status: 200.5, headers: [], body: '' }`, /got 200.5/],
  [`{ status: 200, headers: [] }`, /a text as body, got undefined/],
  [`{ status: 200, headers: { a: 'b' }, body: '' }`, /headers as a list/],
  [`{ status: 200, headers: [['a', 'b\\r\\nc: d']], body: '' }`, /headers as a list/],
  [`{ status: 200, headers: [['a b', 'c']], body: '' }`, /headers as a list/],
  [`{ status: 200, headers: [['Content-Length', '1']], body: '' }`, /headers as a list/],
]
for (const [reply, problem] of replies) {
  test(`a reply ${reply} is ${problem === null ? 'taken' : 'refused'}, at once and by promise`, async (t) => {
    const dir = tempDir(t)
    writeFileSync(join(dir, 'now.mjs'), `export default { onRequest: () => (${reply}) }`)
    writeFileSync(join(dir, 'later.mjs'), `export default { onRequest: async () => (${reply}) }`)
    for (const path of ['now.mjs', 'later.mjs']) {
      const filter = await createModuleFilter({ path }, testEnv(dir))
      const answer = async (): Promise<unknown> => filter.onRequest?.(new TestRequest())
      if (problem === null) await answer()
      else await assert.rejects(answer, problem)
    }
  })
}

test('defineFilter gives back what it got', () => {
  const factory = defineFilter<{ readonly limit: number }>((options, env) => ({
    name: `${env.route}-${options.limit}`,
    onRequest: (request) => (request.path === '/' ? { status: 200, headers: [], body: '' } : undefined),
  }))
  assert.equal(typeof factory, 'function')
  const filter = { onEnd: () => {} }
  assert.equal(defineFilter(filter), filter)
})
