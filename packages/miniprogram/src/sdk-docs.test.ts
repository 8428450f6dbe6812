import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { cacheTimes } from './cache-policy.ts'
import { cacheStoreDefaults } from './cache-store.ts'
import { channelListDefaults } from './channel-list.ts'
import { failoverDefaults } from './channels.ts'
import { clientDefaults } from './options.ts'
import { outboxDefaults } from './outbox.ts'
import { schedulerDefaults } from './scheduler.ts'
import { telemetryDefaults } from './telemetry.ts'

const groups = {
  '': clientDefaults,
  failover: failoverDefaults,
  scheduler: schedulerDefaults,
  cache: cacheTimes,
  cacheStore: cacheStoreDefaults,
  outbox: outboxDefaults,
  telemetry: telemetryDefaults,
  channelList: channelListDefaults,
}

/** As the tables have it: an empty text is a dash. */
const inCode = new Map(
  Object.entries(groups).flatMap(([group, defaults]) =>
    Object.entries(defaults).map(([name, value]): [string, string] => [
      group === '' ? name : `${group}.${name}`,
      value === '' ? '–' : `\`${String(value)}\``,
    ]),
  ),
)

for (const file of ['docs/sdk/options.md', 'docs/sdk/README.zh-CN.md']) {
  const rows = [
    ...readFileSync(file, 'utf8').matchAll(/^\| `([\w.]+)` \| (–|required|必填|`[^`]*`) \| (.+) \|$/gm),
  ]

  test(`${file} has every default of the code, and no other`, () => {
    const inDocs = new Map(rows.map(([, name, shown]) => [name!, shown!]))
    for (const [name, shown] of inCode) assert.equal(inDocs.get(name), shown, name)
    for (const [name, shown] of inDocs)
      assert.ok(inCode.has(name) || !shown.startsWith('`'), `${name} has no default in the code`)
    assert.equal(inDocs.size, rows.length, 'no option has two rows')
  })

  test(`${file} has every option that a client takes`, () => {
    const source = ['options', 'full-client']
      .map((name) => readFileSync(`packages/miniprogram/src/${name}.ts`, 'utf8'))
      .join('')
    const taken = [...source.matchAll(/export interface (Core|Client)Options [^]*?\n}/g)].flatMap(([text]) =>
      [...text.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name!),
    )
    assert.ok(taken.length > 12)
    const named = rows.map(([, name]) => name!.replace(/\..*/, ''))
    assert.deepEqual(
      taken.filter((name) => !named.includes(name)),
      [],
    )
  })
}

test('every code of an ApiError has its row in the guides, and no other', () => {
  const codes = [
    ...readFileSync('packages/miniprogram/src/api-error.ts', 'utf8').matchAll(/^ {2}\| '([a-z-]+)'$/gm),
  ]
  for (const file of ['docs/sdk/README.md', 'docs/sdk/README.zh-CN.md']) {
    const section = /^## (?:Errors|错误)$[^]*?(?=^## )/m.exec(readFileSync(file, 'utf8'))![0]
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)]
      .map(([, code]) => code)
      .filter((code) => code !== 'code')
    assert.deepEqual(rows.toSorted(), codes.map(([, code]) => code).toSorted(), file)
  }
})

test('what the guides import is exported, and what they call of it is imported', async () => {
  const exported = {
    '@budao/miniprogram': await import('./index.ts'),
    '@budao/miniprogram/core': await import('./core.ts'),
  }
  for (const file of ['docs/sdk/README.md', 'docs/sdk/README.zh-CN.md'])
    for (const [, block] of readFileSync(file, 'utf8').matchAll(/^```js\n([^]*?)^```/gm)) {
      const imports = [...block!.matchAll(/^import \{ (.*) \} from '(.*)'$/gm)]
      const imported = imports.flatMap(([, names]) => names!.split(', '))
      for (const [, names, entry] of imports)
        for (const name of names!.split(', '))
          assert.ok(name in exported[entry as keyof typeof exported], `${file}: ${entry} has no ${name}`)
      if (imports.length === 0) continue
      const code = block!.replace(/\/\/.*$/gm, '').replace(/^import .*$/gm, '')
      for (const name of Object.keys(exported['@budao/miniprogram']))
        if (new RegExp(`(?<![.\\w])${name}\\(`).test(code))
          assert.ok(imported.includes(name), `${file}: ${name}`)
      for (const name of imported) assert.ok(code.includes(name), `${file}: ${name} is not used`)
    }
})
