import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { startEtcd } from '@budao/testkit'
import { gatewayNames, RolloutSitesWorld, type Site } from './rollout-sites-world.ts'

const users = Array.from({ length: 60 }, (_, index) => `sticky-${index}`)
const survivors = ['gw-w1', 'gw-w2'] as const

/** East has the work and looks after a release that some have, users are at all gateways. */
async function started(
  t: TestContext,
  steps: readonly object[],
  canaryAt: readonly Site[],
): Promise<RolloutSitesWorld | undefined> {
  const etcd = await startEtcd(t)
  if (etcd === undefined) return undefined
  const world = await RolloutSitesWorld.start(t, etcd[0]!.endpoint, { lease: '4s', steps }, canaryAt)
  await world.move('east')
  await world.wish('gw-e', 'start')
  await world.share(0.3, ...gatewayNames)
  // Who has it is known once its endpoints have been found to be well.
  let most = 0
  await world.until('users have the release', async () => {
    const { length } = await world.canaryUsers('gw-w1', users)
    const before = most
    most = Math.max(most, length)
    return length > 5 && length === before
  })
  for (const name of gatewayNames) world.used.add(name)
  world.load(6)
  return world
}

test('the site with the work, its gateway and whoever looks after a release is lost: the release goes on at the other, comes back the same, and goes back when it is bad', async (t) => {
  const steps = [
    { basisPoints: 3_000, for: '3s', requests: 40, pause: true },
    { basisPoints: 6_000, for: '1h' },
  ]
  const world = await started(t, steps, ['east', 'west'])
  if (world === undefined) return
  const before = await world.rollout('gw-w1', 'east looks after it', ({ holder }) => holder !== null)
  assert.match(before.holder!, /^gw-e#/)
  const first = await world.canaryUsers('gw-w1', users)
  assert.ok(first.length > 5 && first.length < 40, `${first.length} of ${users.length}`)
  await world.sameUsers('gw-e', users, first)

  await t.test('the work goes to the other site, and the release is not blamed', async () => {
    await world.lose('east')
    await world.unit('west has the work', ({ owner, lease }) => owner === 'west' && lease === 'held')
    const taken = await world.rollout(
      'gw-w2',
      'west looks after it',
      ({ holder }) => holder?.startsWith('gw-w') === true,
    )
    assert.ok(['running', 'paused'].includes(taken.phase!), taken.why)
    for (const name of survivors) await world.sameUsers(name, users, first)
  })

  await t.test('what the survivors see is enough for the step, from where it was stored', async () => {
    const paused = await world.rollout('gw-w1', 'its step is passed', ({ phase }) => phase === 'paused')
    assert.deepEqual([paused.step, paused.basisPoints], [0, 3_000])
    await world.share(0.3, ...survivors)
  })

  await t.test('back at both sites, a user has one release at all gateways', async () => {
    await world.restore('east')
    await world.move('east')
    await world.share(0.3, ...gatewayNames)
    for (const name of gatewayNames) await world.sameUsers(name, users, first)
    world.used.add('gw-e')
    await world.wish('gw-e', 'resume')
    await world.share(0.6, ...gatewayNames)
    let more: readonly string[] = []
    await world.until('whoever had it has it, and others', async () => {
      more = await world.canaryUsers('gw-e', users)
      return first.every((user) => more.includes(user)) && more.length > first.length
    })
    for (const name of survivors) await world.sameUsers(name, users, more)
  })

  await t.test('it turns bad while the work is on its way: it goes back everywhere', async () => {
    await world.lose('east')
    world.canaryStatus = 503
    const aborted = await world.rollout('gw-w1', 'it goes back', ({ phase }) => phase === 'aborted')
    assert.equal(aborted.by, 'verdict')
    assert.match(aborted.why, /of its \d+ requests failed, \d+ of \d+ at stable/)
    await world.share(0, ...survivors)
    await world.unit('west has the work', ({ owner, lease }) => owner === 'west' && lease === 'held')
    for (const name of survivors) assert.deepEqual(await world.canaryUsers(name, users), [], name)
  })

  await t.test('each decision was made once, and no epoch after a later one', async () => {
    const decisions = world.decisions()
    assert.deepEqual(
      decisions.map(({ kind }) => kind),
      ['rollout.started', 'rollout.paused', 'rollout.step', 'rollout.aborted'],
    )
    const generations = decisions.map(({ generation }) => generation)
    assert.deepEqual(generations, [...new Set(generations)], JSON.stringify(decisions))
    const epochs = decisions.map(({ epoch }) => epoch)
    assert.deepEqual(
      epochs,
      epochs.toSorted((a, b) => a - b),
      JSON.stringify(decisions),
    )
    assert.ok(world.asked > 100, `${world.asked}`)
    assert.equal(world.failed, 0, `${world.failed} of ${world.asked} failed`)
  })
})

test('the only site at which a release stands is lost: it waits, stable has its users, and it goes on afterwards', async (t) => {
  const world = await started(t, [{ basisPoints: 3_000, for: '1h' }], ['east'])
  if (world === undefined) return
  const first = await world.canaryUsers('gw-w1', users)
  assert.ok(first.length > 5, `${first.length}`)
  await world.lose('east')
  const cause = (what: string): Promise<unknown> =>
    world.rollout('gw-w1', what, ({ verdict }) => verdict?.cause === what)
  await cause('site-lost')
  assert.equal((await world.report('gw-w1'))!.phase, 'running')
  await world.unit('west has the work', ({ owner, lease }) => owner === 'west' && lease === 'held')
  for (const name of survivors) assert.deepEqual(await world.canaryUsers(name, users), [], name)
  await world.restore('east')
  await world.move('east')
  for (const name of gatewayNames) await world.sameUsers(name, users, first)
  const after = await world.rollout('gw-w2', 'somebody looks after it', ({ holder }) => holder !== null)
  assert.deepEqual([after.phase, after.step], ['running', 0])
})
