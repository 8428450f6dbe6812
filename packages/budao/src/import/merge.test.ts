import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fragment } from './imported.ts'
import { addFragment } from './merge.ts'

const imported: Fragment = {
  sites: ['east', 'east-backup'],
  listeners: [
    { name: 'web', address: '0.0.0.0:80', protocol: 'http' },
    { name: 'more', address: '0.0.0.0:81', protocol: 'http' },
  ],
  services: {
    shop: {
      endpoints: [{ address: 'a:1', site: 'east' }],
      timeouts: { connect: '1s', request: '9s' },
    },
    cart: { endpoints: [{ address: 'b:1', site: 'east' }] },
  },
  serviceDefaults: { breaker: { window: '10s' } },
  routes: [{ name: 'all', backends: [{ service: 'shop' }] }, { name: 'rest' }],
}

test('what the configuration says wins, what it lacks is added, routes come behind its own', () => {
  const config = {
    version: 1,
    sites: { east: { weight: 2 } },
    listeners: [{ name: 'web', address: '127.0.0.1:8080', protocol: 'http' }],
    services: { shop: { endpoints: [{ address: 'own:1', site: 'east' }], timeouts: { request: '3s' } } },
    routes: [{ name: 'all', backends: [{ service: 'cart' }] }],
  }
  assert.deepEqual(addFragment(config, imported), {
    version: 1,
    sites: { east: { weight: 2 }, 'east-backup': {} },
    listeners: [config.listeners[0], imported.listeners[1]],
    services: {
      shop: {
        endpoints: [{ address: 'own:1', site: 'east' }],
        timeouts: { request: '3s', connect: '1s' },
        breaker: { window: '10s' },
      },
      cart: { endpoints: [{ address: 'b:1', site: 'east' }], breaker: { window: '10s' } },
    },
    routes: [config.routes[0], imported.routes[1]],
  })
})

test('what is not what it should be is left to the schema', () => {
  const config = { services: 'no', routes: 7, sites: [] }
  const merged = addFragment(config, {
    ...imported,
    services: {},
    routes: [],
    listeners: [],
    sites: ['east'],
  })
  assert.deepEqual(merged, { services: 'no', routes: 7, sites: [] })
})
