import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { BudaoEvent } from '../packages/model/src/events.ts'
import { parseConfig } from '../packages/model/src/parser.ts'
import { startNode } from '../packages/testkit/src/processes.ts'
import { AdminApi } from '../packages/budao/src/drill/admin-api.ts'
import { startDemo } from '../packages/budao/src/drill/demo.ts'
import type { DrillReport } from '../packages/budao/src/drill/drill-report.ts'

const main = join(import.meta.dirname, '../packages/budao/src/main.ts')

test('a site killed with SIGKILL under load: no idempotent request fails, and the gateway says what died', async (t) => {
  // As --demo does it; but the gateway outlives the drill, and can be asked what it keeps.
  await using demo = await startDemo()
  const drill = startNode(t, [
    main,
    ...['drill', 'site-loss', '--site', 'east', '-c', demo.configs[0]!, '--json'],
    ...['--rate', '300', '--duration', '4s', '--kill-after', '1s', '--return-within', '90s'],
  ])
  const code = await drill.exited()
  const report = JSON.parse(drill.output.slice(drill.output.indexOf('{'))) as DrillReport

  assert.deepEqual(report.failures, {})
  assert.equal(code, 0, drill.output)
  assert.equal(report.requests.failed, 0)
  assert.equal(report.requests.sent, report.requests.ok + report.requests.degraded)
  assert.deepEqual(
    report.hit.map((text) => text.replace(/ .*/, '')),
    ['east-data', 'shop-east-1', 'shop-east-2', 'shop-next'],
  )
  // The next release of the shop stands there too.
  assert.equal(report.detect.endpoints.length, 3)
  for (const { address, by } of report.detect.endpoints) {
    assert.ok(by, `no event took ${address} out:\n${JSON.stringify(report.events, null, 2)}`)
  }
  assert.notEqual(report.returnedMs, null, 'the site came back by itself')

  const events = await eventsOf(demo.configs[0]!)
  const drills = events.filter(({ kind }) => kind.startsWith('drill.'))
  assert.deepEqual(
    drills.map(({ kind, site }) => [kind, site]),
    [
      ['drill.started', 'east'],
      ['drill.finished', 'east'],
    ],
  )
  const [started, finished] = drills.map(({ evidence }) => evidence)
  assert.equal(started!['rate'], 300)
  assert.equal(started!['scenario'], 'site-loss')
  assert.equal(finished!['sent'], report.requests.sent)
  assert.equal(finished!['longestGapMs'], report.longestGapMs)
  assert.ok(!report.events.some(({ kind }) => kind.startsWith('drill.')))
})

/** All events of the gateway with this configuration file. */
async function eventsOf(file: string): Promise<readonly BudaoEvent[]> {
  const parsed = parseConfig(await readFile(file, 'utf8'), file)
  assert.ok(parsed.ok)
  return new AdminApi(`http://${parsed.config.admin.address}`).eventsAfter(0)
}
