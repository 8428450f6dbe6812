import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditRecord, Explanation, UnitReport } from '@budao/model'
import { tempDir } from '@budao/testkit'
import { adminApi } from '../test/admin-api.ts'
import { fitsDescription } from '../test/described.ts'
import { LocalDesk } from '../test/local-desk.ts'
import { brokenLink } from './failover/audit-chain.ts'

/** What of the answers these tests look at. */
interface Said extends UnitReport {
  readonly error: string
  readonly message: string
  readonly hint?: string
  readonly why: Explanation
  readonly leader: { readonly admin: string }
  readonly to: string
  readonly runId: string
  readonly records: readonly AuditRecord[]
  readonly ok: boolean
  readonly last: AuditRecord
  readonly drain: Drain
  readonly drains: readonly Drain[]
  readonly refused: readonly { readonly unit: string }[]
}

interface Drain {
  readonly state: string
  readonly moves: readonly { readonly unit: string; readonly to: string; readonly state: string }[]
}

async function start(t: TestContext, units: readonly string[] = ['shop']) {
  const { source, url, ask: asked } = await adminApi<Said>(t)
  const desk = new LocalDesk({ path: join(tempDir(t), 'coordination.db'), units })
  t.after(() => desk.close())
  source.desk = desk
  const ask = (method: string, path: string, body?: unknown, token?: string) =>
    asked(method, `/failover${path}`, body, token)
  const unit = async (name = 'shop'): Promise<UnitReport> =>
    (await ask('GET', `/units/${encodeURIComponent(name)}`)).body
  const until = async (is: (report: UnitReport) => boolean, name = 'shop'): Promise<UnitReport> => {
    for (let tries = 0; tries < 400; tries++) {
      const report = await unit(name)
      if (is(report)) return report
      await sleep(25)
    }
    throw new Error(`never: ${JSON.stringify(await unit(name))}`)
  }
  for (const name of units) await until(({ lease }) => lease === 'held', name)
  return { source, desk, ask, unit, until, url }
}

test('a unit is moved, and back home, by people who say why; each step is in the audit log', async (t) => {
  const { ask, until, unit, url } = await start(t)
  const moved = await ask('POST', '/units/shop/move', { kind: 'switchover', reason: 'new kernel', by: 'ann' })
  assert.equal(moved.status, 202)
  assert.deepEqual([moved.body.unit, moved.body.to, moved.body.runId], ['shop', 'west', 'shop@1'])
  const busy = await ask('POST', '/units/shop/move', { kind: 'switchover', to: 'west', reason: 'impatient' })
  assert.deepEqual([busy.status, busy.body.error, busy.body.why.code], [409, 'wish-refused', 'run-under-way'])
  const there = await until(({ run }) => run?.outcome === 'done')
  assert.deepEqual([there.owner, there.epoch, there.run!.by, there.run!.lossMs], ['west', 2, 'ann', 0])

  const back = await ask('POST', '/units/shop/move', { kind: 'failback', reason: 'kernel is in' })
  assert.deepEqual([back.body.to, back.body.runId], ['east', 'shop@2'])
  await until(({ run }) => run?.id === 'shop@2' && run.outcome === 'done')
  assert.equal((await unit()).owner, 'east')

  const { records } = (await ask('GET', '/audit?subject=shop', undefined, 'see')).body
  assert.equal(brokenLink(records), null)
  assert.deepEqual(
    records
      .filter(({ action }) => action === 'run.started')
      .map(({ actor, detail }) => [actor, detail['reason']]),
    [
      ['ann', 'new kernel'],
      ['operator', 'kernel is in'],
    ],
  )
  const ndjson = await fetch(`${url}/api/v1/failover/audit?format=ndjson`, {
    headers: { authorization: 'Bearer see' },
  })
  const lines = (await ndjson.text()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    records,
  )
  const verdict = (await ask('GET', '/audit/verify')).body
  assert.deepEqual([verdict.ok, verdict.records, verdict.last.seq], [true, lines.length, lines.length])
})

test('a failover by itself is explained, acknowledged, and the next one need not wait', async (t) => {
  const { desk, ask, until } = await start(t)
  desk.stop('east')
  desk.say('east', 'down')
  const lost = await until(({ run }) => run?.outcome === 'done')
  assert.deepEqual([lost.owner, lost.run!.by, lost.run!.verdict!.code], ['west', 'automatic', 'quorum'])
  assert.ok(lost.blockedMs > 3_000_000)
  assert.deepEqual(lost.run!.steps.map(({ step }) => step).slice(0, 2), ['fencing', 'waiting'])
  const acked = await ask('POST', '/units/shop/acknowledge', { reason: 'disk replaced', by: 'bob' })
  assert.deepEqual([acked.status, acked.body.why.message], [200, 'shop@1 is acknowledged'])
  assert.equal((await until(({ blockedMs }) => blockedMs === 0)).run!.acknowledged, true)
  assert.equal(desk.records.findLast(({ action }) => action === 'acknowledged')!.actor, 'bob')
})

test('automation is changed for one unit, a service, or all', async (t) => {
  const { ask, unit } = await start(t, ['shop/east', 'shop/west', 'pay'])
  const change = async (body: object) =>
    (await ask('POST', '/automation', { reason: 'work', ...body })).status
  assert.equal(await change({ service: 'shop', automation: 'advise' }), 200)
  assert.equal(await change({ unit: 'shop/west', automation: 'off' }), 200)
  assert.deepEqual(
    [await unit('shop/east'), await unit('shop/west'), await unit('pay')].map(({ automation }) => automation),
    ['advise', 'off', 'on'],
  )
  assert.equal(await change({ all: true, automation: 'on' }), 200)
  assert.equal((await unit('shop/west')).automation, 'on')
})

test('a site is drained of its units with progress, kept out, and let in again; the last one is refused', async (t) => {
  const { desk, ask, until } = await start(t, ['shop', 'pay'])
  const taken = await ask('POST', '/drains', { site: 'east', reason: 'new kernel', by: 'ann' })
  assert.equal(taken.status, 202)
  assert.deepEqual(
    taken.body.drain.moves.map(({ unit, to }) => [unit, to]),
    [
      ['shop', 'west'],
      ['pay', 'west'],
    ],
  )
  await until(({ drained }) => drained.includes('east'))
  const { drains } = (await ask('GET', '/drains')).body
  assert.deepEqual(
    [drains[0]!.state, drains[0]!.moves.map(({ state }) => state)],
    ['drained', ['moved', 'moved']],
  )
  const refused = await ask('POST', '/drains', { site: 'west', reason: 'that one too' })
  assert.deepEqual([refused.status, refused.body.why.code], [409, 'last-healthy-site'])
  assert.deepEqual(
    refused.body.refused.map(({ unit }) => unit),
    ['shop', 'pay'],
  )
  const back = await ask('POST', '/units/shop/move', { kind: 'failback', reason: 'too early' })
  assert.match(back.body.message, /east cannot take shop: drained/)
  assert.equal((await ask('POST', '/drains', { site: 'east', reason: 'done', undo: true })).status, 200)
  assert.deepEqual((await ask('GET', '/drains')).body, { drains: [] })
  assert.equal(desk.drains().length, 0)
})

test('what may not be is refused with the reason, and what to do', async (t) => {
  const { source, desk, ask } = await start(t)
  const move = { kind: 'switchover', reason: 'x' }
  const cases: [method: string, path: string, body: unknown, status: number, says: RegExp][] = [
    ['GET', '/units/shoe', undefined, 404, /no unit "shoe".*Known: shop/],
    ['POST', '/units/shop/move', { ...move, to: 'north' }, 404, /no site "north".*Known: east, west/],
    ['POST', '/units/shop/move', { ...move, to: 'east' }, 409, /shop is at east already/],
    [
      'POST',
      '/units/shop/move',
      { ...move, kind: 'failover' },
      409,
      /east is well: a switchover loses nothing/,
    ],
    ['POST', '/units/shop/move', { ...move, kind: 'failback' }, 409, /no site to move shop to: east has it/],
    [
      'POST',
      '/units/shop/move',
      { kind: 'move', reason: 'x' },
      400,
      /kind must be failover, switchover or failback/,
    ],
    ['POST', '/units/shop/move', { kind: 'failover' }, 400, /reason must be a text/],
    ['POST', '/units/shop/move', { ...move, by: 'automatic' }, 400, /other than automatic/],
    ['POST', '/units/shop/move', { ...move, when: 'now' }, 400, /unknown key "when"/],
    ['POST', '/units/shop/acknowledge', {}, 409, /shop was never moved/],
    ['POST', '/automation', { automation: 'off', reason: 'x' }, 400, /exactly one of unit, service and all/],
    ['POST', '/automation', { automation: 'maybe', all: true, reason: 'x' }, 400, /on, advise or off/],
    [
      'POST',
      '/automation',
      { automation: 'off', service: 'shoe', reason: 'x' },
      404,
      /no unit belongs to "shoe"/,
    ],
    ['POST', '/drains', { site: 'north', reason: 'x' }, 404, /no site "north"/],
    [
      'POST',
      '/drains',
      { site: 'east', reason: 'x', undo: true, force: true },
      400,
      /force goes with a drain/,
    ],
    ['POST', '/drains', { site: 'east', reason: 'x', undo: true }, 409, /east was not drained/],
    ['GET', '/audit?limit=0', undefined, 400, /limit must be a whole number from 1 to 2000/],
    ['GET', '/audit?format=xml', undefined, 400, /json or ndjson/],
  ]
  for (const [method, path, body, status, says] of cases) {
    const answer = await ask(method, path, body)
    assert.equal(
      answer.status,
      status,
      `${method} ${path} ${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`,
    )
    assert.match(`${answer.body.message} ${answer.body.hint ?? ''}`, says)
  }
  assert.equal((await ask('POST', '/units/shop/move', move, 'see')).status, 403)

  desk.leads = false
  desk.leaderAdmin = 'http://10.0.1.2:9900'
  const elsewhere = await ask('POST', '/units/shop/move', { ...move, to: 'west' })
  assert.deepEqual([elsewhere.status, elsewhere.body.error], [409, 'not-leader'])
  assert.equal(elsewhere.body.leader.admin, 'http://10.0.1.2:9900')
  assert.match(elsewhere.body.hint ?? '', /Ask gw-west at http:\/\/10\.0\.1\.2:9900/)

  source.desk = null
  for (const path of ['', '/nodes', '/units/shop', '/drains', '/audit', '/audit/verify']) {
    const answer = await ask('GET', path)
    assert.deepEqual([answer.status, answer.body.error], [404, 'failover-off'])
  }
})

test('everything that is answered fits its description', async (t) => {
  const { ask, until } = await start(t)
  await ask('POST', '/units/shop/move', { kind: 'switchover', reason: 'x' })
  await until(({ run }) => run?.outcome === 'done')
  await ask('POST', '/drains', { site: 'east', reason: 'x' })
  const shapes: [path: string, schema: string][] = [
    ['', 'Failover'],
    ['/nodes', 'Nodes'],
    ['/units/shop', 'Unit'],
    ['/drains', 'SiteDrains'],
    ['/audit', 'AuditRecords'],
    ['/audit/verify', 'AuditVerdict'],
  ]
  for (const [path, schema] of shapes) {
    const { body } = await ask('GET', path)
    const fit = [body, { ...body, surprise: 1 }].map((value) => fitsDescription(schema, value))
    assert.deepEqual(fit, [true, false], path)
  }
})
