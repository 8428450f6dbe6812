import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdminServer, EventLog } from '@budao/controller'
import { tempDir } from '@budao/testkit'
import { LocalDesk } from '../../../controller/test/local-desk.ts'
import { MemorySource } from '../../../controller/test/memory-source.ts'
import { run } from '../cli.ts'

interface Ran {
  readonly code: number
  readonly out: string
}

async function world(t: TestContext, units?: readonly string[]) {
  const source = new MemorySource(await EventLog.open())
  const folder = tempDir(t)
  const desk = new LocalDesk({
    path: join(folder, 'coordination.db'),
    ...(units === undefined ? {} : { units }),
  })
  t.after(() => desk.close())
  source.desk = desk
  const server = await createAdminServer({ source, address: '127.0.0.1:0' })
  t.after(() => server.close())
  while (!desk.reports().every(({ lease }) => lease === 'held')) await sleep(20)
  const budao = (...args: string[]): Promise<Ran> => cli(t, [...args, '--url', server.url])
  return { source, desk, folder, budao, url: server.url }
}

/** In this process: a command line takes a third of a second to start, and there are many here. */
async function cli(t: TestContext, args: readonly string[]): Promise<Ran> {
  let out = ''
  const write = (text: string | Uint8Array): boolean => {
    out += String(text)
    return true
  }
  const stdout = t.mock.method(process.stdout, 'write', write)
  const stderr = t.mock.method(process.stderr, 'write', write)
  process.exitCode = 0
  try {
    return {
      code: await run(args),
      get out() {
        return out
      },
    }
  } finally {
    stdout.mock.restore()
    stderr.mock.restore()
    process.exitCode = 0
  }
}

test('switchover waits with progress, failback goes home, and --json is one document', async (t) => {
  const { budao } = await world(t)
  const there = await budao('switchover', 'shop', '--to', 'west', '--reason', 'new kernel', '--by', 'ann')
  assert.equal(there.code, 0, there.out)
  assert.match(there.out, /^shop: switchover from east to west, run shop@1$/m)
  assert.match(there.out, /^ +\+\d+ ms  fencing$[^]*  draining$[^]*  granting$/m)
  assert.match(there.out, /^shop is at west, epoch 2, after .*; nothing acknowledged is lost$/m)

  const home = await budao('failback', 'shop', '--reason', 'kernel is in', '--json')
  assert.equal(home.code, 0, home.out)
  const { ok, run: moved, runId } = JSON.parse(home.out)
  assert.deepEqual(
    [ok, runId, moved.id, moved.kind, moved.to, moved.outcome],
    [true, 'shop@2', 'shop@2', 'failback', 'east', 'done'],
  )

  const begun = await budao('switchover', 'shop', '--reason', 'again', '--no-wait')
  assert.deepEqual([begun.code, begun.out], [0, 'shop: goes to west, run shop@3\n'])
})

test('a lost site: status says so and why, a person acknowledges, automation is set', async (t) => {
  const { desk, budao } = await world(t)
  const calm = await budao('status')
  assert.equal(calm.code, 0, calm.out)
  assert.match(calm.out, /^UNIT +OWNER +EPOCH +LEASE +SEEN +AUTO +SITES$/m)
  assert.match(calm.out, /^shop +east +1 +held .* on +east up, west up$/m)
  assert.match(calm.out, /^witness leads, term 3 · store sqlite answered 40 ms ago$/m)
  assert.match(calm.out, /^witness +\(witness\) +controller +self/m)

  desk.stop('east')
  desk.say('east', 'down')
  const moving = await budao('status', '--why', 'shop')
  assert.equal(moving.code, 1)
  while (desk.reports()[0]!.run?.outcome !== 'done') await sleep(20)
  const lost = await budao('status')
  assert.equal(lost.code, 1, 'the link to east is silent')
  assert.match(lost.out, /shop: no failover by itself for 60 min, or budao failover ack shop/)
  const why = await budao('status', '--why')
  assert.match(why.out, /^shop is at west, epoch 2, lease held, renewed .* ago, good for 2\.5 s$/m)
  assert.match(why.out, /^ +OBSERVER +DOMAIN +SAYS +VOTE +CAUSES +AGE +SILENT$/m)
  assert.match(
    why.out,
    /^east is down: observers of enough failure domains say so \(quorum\)\n +gw-east +east +down +counted +silence\+missed +120 ms +2\.4 s$/m,
  )
  assert.match(why.out, /^last move: failover shop@1, east → west, by automatic: east is down$/m)
  assert.match(why.out, /fencing \+\d+ ms · waiting \+/)
  for (const line of `${calm.out}${lost.out}${why.out}`.split('\n')) {
    assert.ok(Array.from(line).length <= 80, `${Array.from(line).length}: ${line}`)
  }
  const json = JSON.parse((await budao('status', '--json')).out)
  assert.deepEqual([json.failover.units[0].owner, json.failover.nodes.self], ['west', 'witness'])

  const acked = await budao('failover', 'ack', 'shop', '--reason', 'power is back', '--by', 'bob')
  assert.deepEqual([acked.code, acked.out], [0, 'shop@1 is acknowledged\n'])
  const advise = await budao('failover', 'automation', 'advise', 'shop', '--reason', 'network work')
  assert.deepEqual([advise.code, advise.out], [0, 'shop: automation is advise\n'])
  assert.equal((await budao('failover', 'automation', 'on', '--all', '--reason', 'done', '--json')).code, 0)
  assert.equal(desk.reports()[0]!.automation, 'on')
})

test('drain moves the services of the site first, says how far it is, and then takes the traffic away', async (t) => {
  const { source, desk, budao } = await world(t, ['shop', 'pay'])
  const unsaid = await budao('drain', 'east')
  assert.deepEqual([unsaid.code, /--reason is needed/.test(unsaid.out)], [2, true])
  const drained = await budao('drain', 'east', '--reason', 'new kernel')
  assert.equal(drained.code, 0, drained.out)
  assert.match(drained.out, /^shop → west: is there$/m)
  assert.match(drained.out, /^pay → west: is there$/m)
  assert.deepEqual(
    desk.reports().map(({ owner, drained: out }) => [owner, out]),
    [
      ['west', ['east']],
      ['west', ['east']],
    ],
  )
  assert.deepEqual(source.asked.at(-1), ['drain', { site: 'east' }, { reason: 'new kernel', force: false }])
  const status = await budao('status')
  assert.match(status.out, /site east: no units are there, since .*: new kernel/)
  const last = await budao('drain', 'west', '--reason', 'that one too')
  assert.equal(last.code, 1)
  assert.match(last.out, /west cannot be drained: shop: no healthy site would be left/)
  assert.equal((await budao('drain', 'east', '--undo')).code, 0)
  assert.deepEqual(desk.drains(), [])
})

test('the audit log is listed and verified, also from its file', async (t) => {
  const { desk, budao, folder } = await world(t)
  await budao('switchover', 'shop', '--reason', 'new kernel', '--by', 'ann')
  const listed = await budao('audit', 'list', '--subject', 'shop')
  assert.match(listed.out, /^ +\d+  20.*Z  ann  run\.started  shop@1  run=shop@1 kind=switchover/m)
  const { length } = desk.records
  const whole = await budao('audit', 'verify')
  assert.equal(whole.code, 0)
  assert.match(
    whole.out,
    new RegExp(`^whole: ${length} records, the last is ${length} with hash [0-9a-f]{64}$`, 'm'),
  )

  const file = join(folder, 'audit.ndjson')
  const lines = desk.records.map((record) => JSON.stringify(record))
  const verify = async (text: string): Promise<Ran> => {
    writeFileSync(file, text)
    return cli(t, ['audit', 'verify', '--file', file])
  }
  assert.equal(
    (await verify(`${lines.join('\n')}\n{"seq":`)).code,
    0,
    'a line that is being written is no record yet',
  )
  const offline = await cli(t, ['audit', 'list', '--file', file, '--subject', 'shop'])
  assert.equal(offline.out, listed.out)
  const changed = await verify(`${lines.join('\n').replace('"ann"', '"bob"')}\n`)
  assert.equal(changed.code, 1)
  assert.match(changed.out, /^broken: record \d+ was changed/)
  assert.match((await verify(`${lines.toSpliced(1, 1).join('\n')}\n`)).out, /something was removed/)
  assert.match((await verify(`${lines[0]}\nnonsense\n`)).out, /^broken: record 2 cannot be read/)
  assert.equal((await cli(t, ['audit', 'verify', '--file', join(folder, 'none')])).code, 2)
})

test('a wish goes to the controller that leads', async (t) => {
  const leading = await world(t)
  const { desk, budao } = await world(t)
  desk.leads = false
  const nowhere = await budao('failover', 'automation', 'off', 'shop', '--reason', 'x')
  assert.equal(nowhere.code, 0, 'the desk of this test lets everybody set it')
  const unknown = await budao('switchover', 'shop', '--reason', 'x')
  assert.equal(unknown.code, 1)
  assert.match(unknown.out, /gw-west leads, and its admin address is not known here: run the command there/)
  desk.leaderAdmin = leading.url
  const moved = await budao('switchover', 'shop', '--reason', 'x')
  assert.equal(moved.code, 0, moved.out)
  assert.equal(leading.desk.reports()[0]!.owner, 'west')
})

test('wrong usage exits 2, refusals 1 with the reason', async (t) => {
  const { source, budao } = await world(t, ['shop/east', 'shop/west'])
  const wrong: [args: string[], code: number, says: RegExp][] = [
    [['switchover', 'shoe', '--reason', 'x'], 2, /no unit shoe: expected one of shop\/east, shop\/west/],
    [['switchover', 'shop', '--reason', 'x'], 2, /a unit a site: expected one of shop\/east, shop\/west/],
    [['switchover', 'shop/east'], 2, /--reason is needed/],
    [['failover'], 2, /which service/],
    [['failover', 'automation', 'maybe', 'shop'], 2, /Allowed choices are on, advise, off/],
    [['failover', 'automation', 'on'], 2, /a service, or --all/],
    [['failover', 'shop/east', '--reason', 'x'], 1, /east is well: a switchover loses nothing/],
    [['failback', 'shop/east', '--reason', 'x'], 1, /no site to move shop\/east to: east has it/],
    [['failover', 'ack', 'shop/east'], 1, /shop\/east was never moved/],
    [['status', '--why', '--watch'], 2, /give one of them/],
  ]
  for (const [args, code, says] of wrong) {
    const ran = await budao(...args)
    assert.equal(ran.code, code, `${args.join(' ')}: ${ran.out}`)
    assert.match(ran.out, says)
  }
  source.desk = null
  const off = await budao('switchover', 'shop/east', '--reason', 'x')
  assert.equal(off.code, 1)
  assert.match(off.out, /decides nothing about failover .*budao controller/)
})
