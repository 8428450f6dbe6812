import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { z } from 'zod'
import { parseConfig } from './config-parser.ts'
import { configJsonSchema, configKeys } from './config-shape.ts'

type Schema = z.core.JSONSchema.BaseSchema

const doc = await readFile(new URL('../../../docs/reference/config.md', import.meta.url), 'utf8')
const rows = [...doc.matchAll(/^\| `([^`]+)` \| (.+?) \| (.*) \|$/gm)].map(
  ([, key = '', shown = '', meaning = '']) => ({
    key,
    shown,
    meaning,
  }),
)

test('every key of the configuration has one row in the reference, and no other has', () => {
  assert.deepEqual(rows.map(({ key }) => key).toSorted(), configKeys().toSorted())
})

test('every row says what the key means', () => {
  assert.deepEqual(
    rows.filter(({ meaning }) => meaning.trim() === ''),
    [],
  )
})

test('defaults in the reference are those of the schema', () => {
  const expected = Object.fromEntries(defaults('', configJsonSchema()))
  assert.deepEqual(Object.fromEntries(rows.map(({ key, shown }) => [key, shown])), expected)
})

test('every default has its source in docs/reference/defaults.md, and no other has', async () => {
  const sources = await readFile(new URL('../../../docs/reference/defaults.md', import.meta.url), 'utf8')
  const found = [...sources.matchAll(/^\| `([^`]+)` \| (.+?) \| (.+) \|$/gm)].map(
    ([, key = '', shown = '']) => [key, shown],
  )
  const wanted = rows
    .filter(({ shown }) => shown !== '–' && shown !== 'required')
    .map(({ key, shown }) => [key, shown])
  assert.deepEqual(found.toSorted(), wanted.toSorted())
})

test('the smallest file of the reference is accepted', () => {
  const [, yaml = ''] = /The smallest file:\n\n```yaml\n(.+?)```/s.exec(doc) ?? []
  assert.ok(parseConfig(yaml, 'config.md').ok)
})

/** As the tables write it: `required`, the default, or a dash where there is none or only those of the keys below. */
function* defaults(prefix: string, from: Schema): Generator<[key: string, shown: string]> {
  for (const schema of [from, ...(from.anyOf ?? [])]) {
    if (typeof schema === 'boolean') continue
    for (const [name, child] of Object.entries(schema.properties ?? {})) {
      if (typeof child === 'boolean') continue
      const key = prefix === '' ? name : `${prefix}.${name}`
      yield [key, schema.required?.includes(name) ? 'required' : shownDefault(child.default)]
      yield* defaults(key, child)
    }
    if (typeof schema.additionalProperties === 'object')
      yield* defaults(`${prefix}.<name>`, schema.additionalProperties)
    if (typeof schema.items === 'object' && !Array.isArray(schema.items))
      yield* defaults(`${prefix}[]`, schema.items)
  }
}

function shownDefault(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text === undefined || text === '{}' || text === '[{}]' ? '–' : `\`${text}\``
}
