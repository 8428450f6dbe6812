import assert from 'node:assert/strict'
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { createContext, Script } from 'node:vm'
import { gzipSync } from 'node:zlib'
import { parse } from 'acorn'
import { bundleForPhones, programOf } from '../../../scripts/bundle-for-phones.ts'

const packageDir = 'packages/miniprogram'
const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length

const dir = mkdtempSync(join(tmpdir(), 'budao-bundle-'))
/** Texts of the mini-program build by file. */
const phone = new Map<string, string>()

before(async () => {
  await bundleForPhones(packageDir, join(dir, 'dist'), join(dir, 'phone'))
  for (const file of readdirSync(join(dir, 'phone')))
    phone.set(file, readFileSync(join(dir, 'phone', file), 'utf8'))
})
after(() => rmSync(dir, { recursive: true, force: true }))

/** Bytes, compressed as servers do it. */
const budget = { core: 8_000, everything: 16_500 }

test('a client over one platform, and everything, weigh no more than their budget', async () => {
  const core = await programOf(`export { Client, weixin } from './core.ts'`, packageDir)
  const everything = await programOf(`export { createClient } from './index.ts'`, packageDir)
  assert.ok(gzipped(core) <= budget.core, `core: ${gzipped(core)} bytes`)
  assert.ok(gzipped(everything) <= budget.everything, `everything: ${gzipped(everything)} bytes`)
})

test('the sizes in docs/sdk/README.md are those measured, to two percent', async () => {
  const rows = [...readFileSync('docs/sdk/README.md', 'utf8').matchAll(/^\| (.*) \| ([\d ]+) \|$/gm)]
  const sizes = new Map(rows.map(([, program, bytes]) => [program!, Number(bytes!.replace(/ /g, ''))]))
  const wrong: string[] = []
  for (const [program, bytes] of sizes) {
    const added = /^… core with `(.*)`$/.exec(program)?.[1]?.match(/[a-z]+/gi) ?? []
    const names = program.startsWith('`createClient') ? 'createClient' : ['Client', 'weixin', ...added].join()
    const entry = names === 'createClient' ? 'index' : 'core'
    const measured = gzipped(await programOf(`export { ${names} } from './${entry}.ts'`, packageDir))
    if (Math.abs(measured - bytes) > bytes * 0.02) wrong.push(`${program}: ${measured}`)
  }
  assert.ok(sizes.size >= 8)
  assert.deepEqual(wrong, [])
})

test('the build for mini programs is ES2017, with no private fields made of WeakMaps', () => {
  assert.deepEqual([...phone.keys()].toSorted(), ['core.js', 'index.js'])
  for (const [file, text] of phone) {
    parse(text, { ecmaVersion: 2017, sourceType: 'script' })
    assert.doesNotMatch(text, /WeakMap|\brequire\(|\bimport\(/, file)
    assert.doesNotMatch(text, /\beval\b|new Function|Function\(/, file)
  }
})

test('no global of the web is touched that was not looked for first', () => {
  for (const [file, text] of phone) {
    const touched = text.match(
      /\b(?<![.\w"'`$])(URL|URLSearchParams|TextEncoder|TextDecoder|crypto|Proxy|globalThis|window|self|process|Buffer|WebAssembly|BigInt|fetch|AbortController|localStorage|atob|btoa)\b(?!["'`:\w])/g,
    )
    const looked = text.match(/typeof (fetch|AbortController)\b/g)
    assert.ok(
      (touched ?? []).every((name) => name === 'fetch' || name === 'AbortController'),
      `${file}: ${[...new Set(touched)].join()}`,
    )
    if (touched !== null) assert.equal(new Set(looked).size, new Set(touched).size, file)
  }
})

test('bundlers get the same as modules and as CommonJS, in ES2017 too', async () => {
  const dist = join(dir, 'dist')
  writeFileSync(join(dist, 'package.json'), '{"type":"module"}')
  for (const file of readdirSync(dist).filter((name) => /\.c?js$/.test(name)))
    parse(readFileSync(join(dist, file), 'utf8'), {
      ecmaVersion: 2017,
      sourceType: file.endsWith('.cjs') ? 'script' : 'module',
    })
  const require = createRequire(join(dist, 'package.json'))
  for (const entry of ['index', 'core']) {
    const required = require(`./${entry}.cjs`) as object
    const imported = (await import(join(dist, `${entry}.js`))) as object
    assert.deepEqual(Object.keys(required).toSorted(), Object.keys(imported).toSorted())
    assert.ok('Client' in imported && 'ApiError' in imported)
  }
})

test('what is not imported is not in the program', async () => {
  const core = await programOf(`export { Client, weixin } from './core.ts'`, packageDir)
  // A word of each feature that no build can shorten.
  for (const word of [
    'budao:cache:',
    'budao:outbox:',
    'budao:session',
    'budao:telemetry',
    'budao:channels',
    'RS256',
  ])
    assert.ok(!core.includes(word), word)
  assert.ok(!core.includes('onChunkReceived'), 'wrapRequest')
  const nothing = await programOf(`import './index.ts'`, packageDir)
  assert.equal(nothing.trim(), '', 'nothing happens at the import')
})

test('what is bundled is not in the declarations: only a function without types of its own comes from elsewhere', () => {
  const foreign = globSync('packages/miniprogram/src/**/*.ts', { exclude: ['**/*.test.ts'] }).flatMap(
    (file) =>
      [...readFileSync(file, 'utf8').matchAll(/^import .* from '([^'.].*)'$/gm)].map(([line]) => line),
  )
  assert.deepEqual([...new Set(foreign)], [`import { backoffMs } from '@budao/resilience'`])
})

test('it runs where there is nothing of the web and no eval, and finds the platform by its global', async () => {
  for (const file of ['index.js', 'core.js']) {
    const asked: string[] = []
    const globals = {
      setTimeout,
      clearTimeout,
      wx: {
        request({ url, success }: { url: string; success: (answer: object) => void }) {
          asked.push(url)
          setTimeout(() => success({ statusCode: 200, header: {}, data: '{"ok":true}' }), 1)
          return { abort() {} }
        },
        getStorage: ({ fail }: { fail: (failure: object) => void }) => fail({}),
        setStorage: ({ success }: { success: (result: object) => void }) => success({}),
        removeStorage: ({ success }: { success: (result: object) => void }) => success({}),
        getStorageInfo: ({ success }: { success: (result: object) => void }) => success({ keys: [] }),
      },
      module: { exports: {} },
    }
    const context = createContext(globals, { codeGeneration: { strings: false, wasm: false } })
    // As the platforms' own loader does it.
    new Script(`(function (module, exports) {${phone.get(file)!}\n})(module, module.exports)`).runInContext(
      context,
    )
    const make =
      file === 'index.js'
        ? `const { createClient } = module.exports; const api = createClient({ channels: ['https://a.example'] })`
        : `const { Client, weixin } = module.exports; const api = new Client({ channels: ['https://a.example'], transport: weixin(wx) })`
    const answer = (await new Script(`(() => { ${make}; return api.get('/items') })()`).runInContext(
      context,
    )) as {
      data: { ok: boolean }
    }
    assert.equal(answer.data.ok, true)
    assert.deepEqual(asked, ['https://a.example/items'])
  }
})
