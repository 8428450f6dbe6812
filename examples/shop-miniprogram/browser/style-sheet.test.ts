import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compileStyleSheet, type StyleOwner } from './style-sheet.ts'

const app: StyleOwner = { kind: 'app' }
const page: StyleOwner = { kind: 'page', path: 'pages/cart/cart' }
const component: StyleOwner = { kind: 'component', scope: 'bar' }

const rules: readonly (readonly [owner: StyleOwner, wxss: string, css: string])[] = [
  [app, '.a { width: 750rpx }', '.a { width: calc(750 * var(--rpx)) }'],
  [app, '.a { margin: -1.5rpx 2px }', '.a { margin: calc(-1.5 * var(--rpx)) 2px }'],
  [app, 'page { color: red }', '[data-page] { color: red }'],
  [app, 'view > .text, .view { color: red }', 'wx-view > .text, .view { color: red }'],
  [app, '@keyframes k { from { left: 2rpx } }', '@keyframes k { from { left: calc(2 * var(--rpx)) } }'],
  [page, '.a .b { color: red }', '[data-page="pages/cart/cart"] .a .b { color: red }'],
  [page, 'page { color: red }', '[data-page="pages/cart/cart"] { color: red }'],
  [
    page,
    '@media (min-width: 1px) { text:active { color: red } }',
    '@media (min-width: 1px) { [data-page="pages/cart/cart"] wx-text:active { color: red } }',
  ],
  [component, '.a.b > view { color: red }', '.bar--a.bar--b > wx-view { color: red }'],
]

test('wxss becomes CSS that holds where it should and nowhere else', () => {
  for (const [owner, wxss, css] of rules) assert.equal(compileStyleSheet('a.wxss', wxss, owner), css)
})

test('what is no style sheet is refused with its file and line', () => {
  assert.throws(
    () => compileStyleSheet('pages/a.wxss', '.a {\n  color: red', app),
    /pages\/a\.wxss:1:1: Unclosed block/,
  )
})
