import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { BudaoEvent } from '@budao/model'
import { fitsDescription } from '../test/described.ts'
import { MemorySource, twoSites } from '../test/memory-source.ts'
import { routesOf } from './admin-routes.ts'
import { apiErrorCodes } from './api-error.ts'
import { controllerErrorCodes } from './controller-error.ts'
import { EventLog } from './event-log.ts'
import { schemas } from './openapi-schemas.ts'
import { openapi } from './openapi.ts'

const silence = { info() {}, warn() {}, error() {} }

test('the description names exactly the routes that exist', async () => {
  const source = new MemorySource(await EventLog.open())
  const routes = routesOf({ source, log: silence }).map(({ method, url }) => `${method} ${url}`)
  const described = Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(
      (method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
    ),
  )
  assert.deepEqual(described.toSorted(), routes.toSorted())
})

test('every operation has a name of its own, and every reference a target', () => {
  const operations = Object.values(openapi.paths).flatMap((path) => Object.values(path))
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, operations.length)
  const references = [...JSON.stringify(openapi).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(
    ([, name]) => name!,
  )
  assert.deepEqual(new Set(references), new Set(Object.keys(schemas)))
})

test('a path names each of its parameters', () => {
  for (const [path, operations] of Object.entries(openapi.paths)) {
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    for (const operation of Object.values(operations)) {
      const parameters = (operation.parameters ?? []) as { name: string; in: string }[]
      assert.deepEqual(
        parameters.filter((one) => one.in === 'path').map(({ name }) => name),
        inPath,
      )
    }
  }
})

const event: BudaoEvent = {
  seq: 1,
  at: '2026-01-01T00:00:00.000Z',
  kind: 'breaker.opened',
  severity: 'critical',
  subject: 'shop',
  service: 'shop',
  site: 'east',
  message: 'opened',
  evidence: { calls: 20, rate: 0.6, forced: false, reason: null, by: 'window' },
}

const samples: [schema: string, value: unknown, fits: boolean][] = [
  ['Report', twoSites(), true],
  ['Report', { ...twoSites(), refused: { at: 'then', problems: ['p'] } }, true],
  ['Report', { ...twoSites(), surprise: 1 }, false],
  ['Report', { ...twoSites(), sites: [{ name: 'east', state: 'fine' }] }, false],
  ['Event', event, true],
  ['Event', { ...event, kind: 'breaker.exploded' }, false],
  ['Event', { ...event, evidence: { nested: {} } }, false],
  ['Error', { error: 'bad-json', message: 'm' }, true],
  ['Error', { error: 'config-refused', message: 'm', hint: 'h', problems: ['p'] }, true],
  ['Error', { error: 'teapot', message: 'm' }, false],
  ['BreakerChange', { to: 'open', reason: 'x' }, true],
  ['BreakerChange', { to: 'open' }, false],
  ['DrillNote', { phase: 'started', site: 'east', message: 'm', evidence: { rate: 300, by: null } }, true],
  ['DrillNote', { phase: 'finished', site: 'east', message: 'm', reason: 'r', evidence: {} }, true],
  ['DrillNote', { phase: 'started', site: 'east', message: 'm' }, false],
  ['DrillNote', { phase: 'started', site: 'east', message: 'm', evidence: { nested: {} } }, false],
]
for (const [name, value, fits] of samples) {
  test(`${JSON.stringify(value).slice(0, 70)} ${fits ? 'fits' : 'does not fit'} ${name}`, () => {
    assert.equal(fitsDescription(name, value), fits)
  })
}

test('docs/reference/api.md explains every error code and every route, and no others', () => {
  const text = readFileSync(new URL('../../../docs/reference/api.md', import.meta.url), 'utf8')
  const codes = [...text.matchAll(/^\| `([A-Za-z_-]+)` \| (?:\d{3}|start) \|/gm)].map(([, code]) => code)
  assert.deepEqual(codes.toSorted(), [...apiErrorCodes, ...controllerErrorCodes].toSorted())
  const routes = [...text.matchAll(/^### (GET|POST|PUT|DELETE) (\S+)$/gm)].map(
    ([, method, path]) => `${method} ${path}`,
  )
  const described = Object.entries(openapi.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(routes.toSorted(), described.toSorted())
})
