import { strict as assert } from 'node:assert'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '@budao/testkit'
import { run } from '../packages/budao/src/cli.ts'
import { areWell, patienceMs, World } from './failover-world.ts'

interface Ran {
  readonly code: number
  readonly out: string
}

/** A command line, in this process: the three others are enough. */
async function cli(t: TestContext, args: readonly string[]): Promise<Ran> {
  let out = ''
  const write = (text: string | Uint8Array): boolean => {
    out += String(text)
    return true
  }
  const mocks = [process.stdout, process.stderr].map((stream) => t.mock.method(stream, 'write', write))
  process.exitCode = 0
  const code = await run(args)
  for (const { mock } of mocks) mock.restore()
  process.exitCode = 0
  return { code, out }
}

test('what people do: switchover, why, failback, a drain, an acknowledgement; and who registers at one gateway is at both', async (t) => {
  const world = await World.start(t, {})
  const admin = (node: string): string => `http://127.0.0.1:${world.ports[node]!.admin}`
  const budao = async (node: string, ...args: string[]): Promise<string> => {
    const { code, out } = await cli(t, [...args, '--url', admin(node)])
    assert.equal(code, 0, `budao ${args.join(' ')}\n${out}`)
    return out
  }
  /** For as long as a site is only doubted because the machine is busy. */
  const insist = async (node: string, ...args: string[]): Promise<string> => {
    const until = performance.now() + patienceMs
    for (;;) {
      const { code, out } = await cli(t, [...args, '--url', admin(node)])
      if (code === 0) return out
      assert.ok(performance.now() < until, `budao ${args.join(' ')}\n${out}`)
      await pause(200)
    }
  }
  const get = async (node: string, path: string): Promise<any> => (await fetch(admin(node) + path)).json()
  const eventually = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
    const until = performance.now() + patienceMs
    while (!(await holds())) {
      assert.ok(performance.now() < until, `never: ${what}`)
      await pause(50)
    }
  }
  await world.until('third', 'a site has the lease', ({ lease }) => lease === 'held')
  await world.until('third', 'both sites are well', areWell)
  // On a busy machine a site may look lost: what people ask for is tried with nothing else going on.
  await budao('third', 'failover', 'automation', 'off', '--all', '--reason', 'a quiet hour')
  const { owner, epoch } = await world.until(
    'west',
    'nothing moves',
    ({ run: move, lease }) => lease === 'held' && (move === null || move.outcome !== null),
  )
  if (owner === 'west') await insist('east', 'failback', 'shop', '--reason', 'begin at home')

  // Asked at a gateway that may not lead: the wish goes to whoever does.
  const moved = await insist('east', 'switchover', 'shop', '--reason', 'new kernel', '--by', 'ann')
  assert.match(
    moved,
    /switchover from east to west[^]*draining[^]*shop is at west, epoch \d+, after .*nothing acknowledged is lost/,
  )
  await world.untilWritten('east', 'after the move')
  const last = world.seen.at(-1)!
  assert.equal(last.site, 'west')
  assert.ok(last.epoch > epoch)

  await world.until('west', 'nobody is doubted', areWell)
  const why = (await cli(t, ['status', '--why', 'shop', '--url', admin('west')])).out
  assert.match(why, /^shop is at west, epoch \d+, lease held/)
  for (const observer of ['east', 'west', 'third'])
    assert.match(why, new RegExp(`^  ${observer} +${observer} +`, 'm'))
  assert.match(why, /last move: switchover shop@\d+, east → west, by ann: new kernel/)
  for (const line of why.split('\n')) assert.ok(Array.from(line).length <= 80, line)
  assert.match(
    (await cli(t, ['status', '--url', admin('third')])).out,
    /^shop +west .*[^]*(east|west|third) leads/m,
  )

  // Who registers at one gateway is at the other one, and who leaves there leaves everywhere.
  const endpoints = '/api/v1/services/shop/endpoints'
  const address = `127.0.0.1:${await freePort()}`
  const { version } = await get('west', endpoints)
  const watching = get('west', `${endpoints}?after=${version}&wait=30s`)
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ site: 'east', metadata: { zone: 'b' } })
  assert.equal(
    (await fetch(`${admin('east')}${endpoints}/${address}`, { method: 'PUT', headers, body })).status,
    201,
  )
  const find = (list: any): any => list.endpoints.find((each: any) => each.address === address)
  let there = await watching
  await eventually('it is at the other gateway', async () => {
    if (find(there) === undefined) there = await get('west', endpoints)
    return find(there) !== undefined
  })
  assert.deepEqual([find(there).origin, find(there).metadata], ['registered', { zone: 'b' }])
  await fetch(`${admin('west')}${endpoints}/${address}`, { method: 'DELETE', headers })
  await eventually('it has left both', async () => find(await get('east', endpoints)) === undefined)

  await insist('third', 'failback', 'shop', '--reason', 'kernel is in')
  await insist('third', 'drain', 'west', '--reason', 'its turn')
  const drained = async (node: string): Promise<boolean> =>
    (await get(node, '/api/v1/drains')).drains.some(({ site }: { site: string | null }) => site === 'west')
  await eventually(
    'both gateways send nothing to west',
    async () => (await drained('east')) && drained('west'),
  )
  await budao('third', 'drain', 'west', '--undo')
  await eventually(
    'both gateways send there again',
    async () => !(await drained('east')) && !(await drained('west')),
  )

  await world.until('third', 'both sites are well', areWell)
  await budao('third', 'failover', 'automation', 'on', 'shop', '--reason', 'back to normal')
  await world.processes['east']!.kill()
  const lost = await world.until(
    'west',
    'the other site has it',
    ({ owner: at, run: move }) => at === 'west' && move?.by === 'automatic' && move.outcome === 'done',
  )
  assert.ok(lost.blockedMs > 3_000_000)
  await budao('west', 'failover', 'ack', 'shop', '--reason', 'seen')
  await world.until('west', 'the next one need not wait', ({ blockedMs }) => blockedMs === 0)
  for (const node of ['west', 'third']) {
    const audit = await cli(t, [
      'audit',
      'verify',
      '--file',
      join(world.folder, `data-${node}`, 'audit.ndjson'),
    ])
    assert.equal(audit.code, 0, audit.out)
  }
})
