import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { test } from 'node:test'
import { URL } from 'node:url'
import { consoleFiles } from './index.ts'
import { languages } from './words.ts'

const dir = new URL(consoleFiles().dir.href)
const html = readFileSync(new URL('index.html', dir), 'utf8')
const modules = readdirSync(dir).filter(
  (name) => name.endsWith('.ts') && !name.includes('.test.') && name !== 'index.ts',
)

test('the page asks only for files that are served', () => {
  for (const [, name] of html.matchAll(/"\/assets\/([^"]+)"/g)) {
    assert.match(name!, /^[a-z][a-z-]*\.(js|css|svg)$/)
    const file = new URL(name!, dir)
    assert.ok(existsSync(file) || existsSync(new URL(name!.replace('.js', '.ts'), dir)), name)
  }
})

test('the page has no script or style inside, as its security policy demands', () => {
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
})

test('every text of the page is there in both languages', () => {
  for (const [, key] of html.matchAll(/data-t="(\w+)"/g)) {
    for (const words of Object.values(languages))
      assert.equal(typeof words[key as keyof typeof words], 'string', key)
  }
})

for (const name of modules) {
  test(`${name} runs in a browser once its types are stripped`, () => {
    const code = stripTypeScriptTypes(readFileSync(new URL(name, dir), 'utf8'))
    for (const [, from] of code.matchAll(/^(?:import|export)\s[^'"]*?from '([^']+)'/gm)) {
      assert.match(from!, /^\.\/[a-z-]+\.ts$/, `${name} imports ${from}`)
      assert.ok(existsSync(new URL(from!, dir)))
    }
  })
}
