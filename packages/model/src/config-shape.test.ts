import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { parse } from 'yaml'
import { z } from 'zod'
import { configJsonSchema, configKeys } from './config-shape.ts'
import { designExample, smallest, writtenConfig } from './written-config.test.ts'

const schemaFile = new URL('../schema/budao.schema.json', import.meta.url)
// zod reads JSON Schema by code of its own: what it accepts does not come from the parser's schema.
const editor = z.fromJSONSchema(configJsonSchema() as Parameters<typeof z.fromJSONSchema>[0])

test('the published schema is current (npm run schema writes it)', async () => {
  assert.deepEqual(JSON.parse(await readFile(schemaFile, 'utf8')), configJsonSchema())
})

test('an editor accepts what the parser accepts', () => {
  assert.ok(editor.safeParse(parse(smallest)).success)
  assert.ok(editor.safeParse(parse(designExample)).success)
  fc.assert(
    fc.property(writtenConfig, (written) => {
      const { error } = editor.safeParse(written)
      assert.ok(error === undefined, error?.message ?? '')
    }),
    { numRuns: 100 },
  )
})

const refused: [what: string, piece: string, other: string][] = [
  ['an unknown key', 'version: 1', 'version: 1\ncolour: red'],
  ['a duration without a unit', 'version: 1', 'version: 1\ndrain: 5'],
  ['another word', 'protocol: http', 'protocol: gopher'],
  ['two filters in one', 'backends:', 'filters: [{ accessLog: {}, cors: {} }]\n    backends:'],
  ['a service without a list of endpoints', 'endpoints:\n      - {', 'endpoints: 5\n    hashOn: {'],
]
for (const [what, piece, other] of refused) {
  test(`an editor marks ${what}`, () => {
    assert.ok(smallest.includes(piece))
    assert.ok(!editor.safeParse(parse(smallest.replace(piece, other))).success)
  })
}

test('every key has a description or keys of its own', () => {
  const bare: string[] = []
  const visit = (path: string, node: z.core.JSONSchema.BaseSchema): void => {
    for (const part of node.anyOf ?? [node]) {
      if (typeof part === 'boolean') continue
      for (const [key, child] of Object.entries(part.properties ?? {})) {
        if (typeof child === 'boolean') continue
        if (child.description === undefined && child.properties === undefined) bare.push(`${path}.${key}`)
        visit(`${path}.${key}`, child)
      }
      for (const child of [part.items, part.additionalProperties]) {
        if (typeof child === 'object' && !Array.isArray(child)) visit(`${path}.*`, child)
      }
    }
  }
  visit('', configJsonSchema())
  assert.deepEqual(bare, [])
})

test('keys are dotted paths in the order of the schema', () => {
  const keys = configKeys()
  assert.deepEqual(keys.slice(0, 5), ['$schema', 'version', 'node', 'node.name', 'node.site'])
  for (const key of [
    'sites.<name>.weight',
    'services.<name>.endpoints[].address',
    'routes[].filters[].jwt.jwks',
  ]) {
    assert.ok(keys.includes(key), key)
  }
  assert.equal(new Set(keys).size, keys.length)
})
