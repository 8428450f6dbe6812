import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createContext, runInContext } from 'node:vm'

test('npm run devtools puts the SDK where WeChat DevTools find it, as a module that needs nothing of the web', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, 'devtools.ts')], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const [file] = /\S*miniprogram_npm\S+index\.js/.exec(stdout)!
  const module = { exports: {} as Record<string, unknown> }
  runInContext(
    readFileSync(file, 'utf8'),
    createContext({ module }, { codeGeneration: { strings: false, wasm: false } }),
  )
  for (const name of ['createClient', 'followPlatform', 'nativeStorage', 'weixin'])
    assert.equal(typeof module.exports[name], 'function', name)
})
