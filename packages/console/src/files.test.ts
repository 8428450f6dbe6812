import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { consoleFiles } from './index.ts'
import { languages } from './words.ts'

const dir = import.meta.dirname
const html = readFileSync(join(dir, 'index.html'), 'utf8')
const modules = readdirSync(dir).filter(
  (name) => name.endsWith('.ts') && !name.includes('.test.') && name !== 'index.ts',
)

test('the files are where the server is told to look', () => {
  assert.equal(consoleFiles().dir.href, pathToFileURL(`${dir}/`).href)
})

test('the page asks only for files that are served', () => {
  for (const [, name] of html.matchAll(/"\/assets\/([^"]+)"/g)) {
    assert.match(name!, /^[a-z][a-z-]*\.(js|css|svg)$/)
    assert.ok(
      [name!, name!.replace('.js', '.ts')].some((file) => existsSync(join(dir, file))),
      name!,
    )
  }
})

test('the page has no script or style inside, as its security policy demands', () => {
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/)
})

test('every text of the page is there in both languages', () => {
  for (const [, key] of html.matchAll(/data-t="(\w+)"/g)) {
    for (const words of Object.values(languages))
      assert.equal(typeof words[key as keyof typeof words], 'string', key!)
  }
})

for (const name of modules) {
  test(`${name} runs in a browser once its types are stripped`, () => {
    const code = stripTypeScriptTypes(readFileSync(join(dir, name), 'utf8'))
    for (const [, from] of code.matchAll(/^(?:import|export)\s[^'"]*?from '([^']+)'/gm)) {
      assert.match(from!, /^\.\/[a-z-]+\.ts$/, `${name} imports ${from}`)
      assert.ok(existsSync(join(dir, from!)))
    }
  })
}
