import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BudaoWorld,
  cannotPrefix,
  isWell,
  type Leader,
  machineNow,
  memoryFolder,
  requireDebian,
  type TrialSite,
  whyNoNetwork,
} from '@budao/testkit'

/** Longer than a lease that nobody renews, and than a verdict. */
const notedMs = 3_000
/** On a machine that does much else. */
const patienceMs = 60_000

test('clocks jump, a member of etcd dies, the leader is stopped, disks are full, a gateway dies: writes go on in one epoch at a time', async (t) => {
  const reason = await whyNoNetwork()
  if (reason !== undefined) {
    if (process.env['CI'] === 'true' && !reason.startsWith(cannotPrefix)) throw new Error(reason)
    return t.skip(reason)
  }
  const nft = await requireDebian(t, 'nftables', 'nft')
  const etcd = await requireDebian(t, 'etcd-server', 'etcd')
  const faketime = await requireDebian(t, 'libfaketime', '/usr/lib/*/faketime/libfaketime.so.1')
  if (nft === undefined || etcd === undefined || faketime === undefined) return

  const disks = memoryFolder(t, '24m')
  const clock = join(disks, 'clock')
  const jump = (offset: string): void => writeFileSync(clock, `${offset}\n`)
  jump('+0')
  const world = new BudaoWorld(t, {
    ...{ detection: 'accelerated', fence: 'lease', etcd },
    wrapper: [
      ...['env', `LD_PRELOAD=${faketime}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
      ...[`FAKETIME_TIMESTAMP_FILE=${clock}`, 'FAKETIME_CACHE_DURATION=1'],
    ],
    dataDir: (place) => join(disks, place),
  })
  const { report } = await witnessLeads(world)
  const { epoch } = report
  const owner = report.owner as TrialSite
  const other = owner === 'east' ? 'west' : 'east'
  world.startLoad(60, 3_000)
  /** Both gateways go on: an acknowledged write that was sent from now on through each, in that epoch. */
  const writesGoOn = async (what: string, in_: number | null): Promise<void> => {
    const since = machineNow()
    const until = performance.now() + patienceMs
    for (;;) {
      const well = world.attempts.filter(
        (each) => each.kind === 'write' && each.status === 200 && each.sentAt > since && each.epoch === in_,
      )
      if (new Set(well.map(({ via }) => via)).size === 2) return
      assert.ok(performance.now() < until, `${what}: no writes through both gateways\n${world.story(20)}`)
      await sleep(100)
    }
  }
  const verdicts = (): number => [...world.story(Infinity).matchAll(/"kind":"failover.verdict"/g)].length

  await writesGoOn('at first', epoch)
  const before = verdicts()
  for (const offset of ['+10m', '-10m', '+0']) {
    jump(offset)
    await sleep(notedMs / 2)
    await writesGoOn(`clock ${offset}`, epoch)
  }
  assert.equal(verdicts(), before, `a clock that jumps changes no verdict:\n${world.story(30)}`)

  await world.machines[other].kill(['etcd'])
  await sleep(notedMs)
  await writesGoOn('a member of etcd is dead', epoch)
  world.machines[other].restart()

  world.machines.witness.freeze(['budao'])
  await world.reported((leader) => leader.place !== 'witness')
  await writesGoOn('the leader is stopped', epoch)
  world.machines.witness.thaw()

  const filler = join(disks, 'filler')
  fill(filler)
  const killedAt = machineNow()
  await world.machines[owner].kill(['budao'])
  // What still fits into the last page of the audit log may be recorded, and then done; what does not is not done. Either way it is said.
  await waitFor(
    () => /"kind":"audit.away"|ENOSPC/.test(world.story(Infinity)),
    'somebody says that the disk is full',
    world,
  )
  rmSync(filler)
  const next = await world.writeAfter(killedAt, patienceMs, (write) => write.site === other)
  assert.equal(next?.epoch, epoch! + 1, world.story(30))
  world.machines[owner].restart()
  await writesGoOn('the gateway is back', epoch! + 1)

  await world.stopLoad()
  const { violations, epochs } = world.check()
  assert.deepEqual(violations, [])
  assert.equal(epochs, 2)
})

/** Who watches only is started first, and leads, unless a gateway was quicker: then that one ends until another leads. */
async function witnessLeads(world: BudaoWorld): Promise<Leader> {
  for (let tries = 0; tries < 8; tries++) {
    const leader = await world.reported(({ report }) => isWell(report))
    if (leader.place === 'witness') return leader
    await world.machines[leader.place].kill(['budao'])
    await world.reported(({ place }) => place !== leader.place)
    world.machines[leader.place].restart()
  }
  throw new Error(`the witness never led:\n${world.story(15)}`)
}

/** Until nothing more fits. */
function fill(file: string): void {
  mkdirSync(join(file, '..'), { recursive: true })
  for (const size of [1 << 20, 1 << 12, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    }
  }
}

async function waitFor(holds: () => boolean, what: string, world: BudaoWorld): Promise<void> {
  const until = performance.now() + patienceMs
  while (!holds()) {
    assert.ok(performance.now() < until, `${what}:\n${world.story(20)}`)
    await sleep(100)
  }
}
