import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describe, drawIncident } from './incident.ts'
import { seedsThatFailed } from './seeds.ts'
import { live } from './world.ts'

for (const { seed, story } of seedsThatFailed) {
  test(`seed ${seed}: ${story}`, () => assert.deepEqual(live(drawIncident(seed)).violations, []))
}

for (let seed = 1; seed <= 30; seed++) {
  test(`incident ${seed} ends well and breaks no rule on its way`, () => {
    const incident = drawIncident(seed)
    assert.deepEqual(live(incident).violations, [], describe(incident))
  })
}

test('a seed replays an incident to the last request', () => {
  assert.deepEqual(live(drawIncident(23)), live(drawIncident(23)))
  assert.notDeepEqual(live(drawIncident(23)), live(drawIncident(24)))
})

test('an incident without faults fails no request and retries none', () => {
  const { faults: _, ...quiet } = drawIncident(5)
  const { requests, answered, retries, failed } = live({ ...quiet, faults: [], crashes: [] })
  assert.ok(requests > 100)
  assert.deepEqual({ answered, retries, failed }, { answered: requests, retries: 0, failed: {} })
})

test('a rule that does not hold is seen: faults that never end do not converge', () => {
  const incident = drawIncident(5)
  const endless = incident.endpoints.map((_, endpoint) => ({
    endpoint,
    behaviour: 'error' as const,
    from: 0,
    until: Infinity,
  }))
  const { violations } = live({ ...incident, faults: endless })
  assert.match(violations.join('\n'), /failed .* after everything had to be well/)
})
