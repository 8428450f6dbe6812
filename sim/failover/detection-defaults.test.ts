import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectorSettings, slownessSettings } from '@budao/model'
import { detectorOptions, slownessOptions } from '@budao/resilience'

test('the detector judges by the defaults of the configuration', () => {
  // Two packages that may not import one another: neither may move without the other.
  const { deviations, ...settings } = detectorSettings()
  const { deviations: rounded, ...options } = detectorOptions
  assert.deepEqual(settings, options)
  assert.deepEqual(slownessSettings(), slownessOptions)
  assert.ok(Math.abs(deviations - rounded) < 5e-4, `${deviations} and ${rounded}`)
})
