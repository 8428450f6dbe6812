import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { tempDir } from '@budao/testkit'
import { buildProgram } from './program-builder.ts'

const shop = join(import.meta.dirname, '../miniprogram')
const gateways = ['http://127.0.0.1:31001', 'http://127.0.0.1:31002']

test('the shop is built whole, calls the gateways it is given, and has no code that makes code', async () => {
  const { script, styles } = await buildProgram({ root: shop, gateways })
  for (const origin of gateways) assert.ok(script.includes(origin), origin)
  assert.doesNotMatch(script, /127\.0\.0\.1:808/)
  const code = script.replace(/\/\/# sourceMappingURL[^]*/, '')
  assert.doesNotMatch(code, /\beval\(|new Function\(/)
  const { pages } = JSON.parse(readFileSync(join(shop, 'app.json'), 'utf8')) as { pages: string[] }
  for (const path of pages) assert.ok(styles.includes(`[data-page="${path}"]`), path)
})

const mistakes: readonly (readonly [file: string, text: string, says: RegExp])[] = [
  [
    'pages/cart/cart.wxml',
    '<view>\n  <text>{{ a + }}</text>\n</view>',
    /pages\/cart\/cart\.wxml:2 unexpected character/,
  ],
  ['pages/cart/cart.wxml', '<view><text></view>', /pages\/cart\/cart\.wxml:1 missing end tag/],
  ['pages/cart/cart.wxss', '.a {', /pages\/cart\/cart\.wxss:1:1/],
  ['pages/cart/cart.ts', 'Page({', /cart\.ts:1/],
  [
    'pages/cart/cart.json',
    '{ "usingComponents": { "a": "../a" } }',
    /expected a path that begins with \/, got \.\.\/a/,
  ],
]

test('what is wrong in a page is said with its file and line', async (t) => {
  for (const [file, text, says] of mistakes) {
    const root = shopWith(t, file, text)
    await assert.rejects(buildProgram({ root, gateways }), says, file)
  }
})

/** A copy of the shop in which one file is another. */
function shopWith(t: TestContext, file: string, text: string): string {
  const root = join(tempDir(t), 'miniprogram')
  cpSync(shop, root, { recursive: true })
  writeFileSync(join(root, file), text)
  return root
}
