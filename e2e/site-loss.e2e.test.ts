import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startNode } from '../packages/testkit/src/processes.ts'
import type { DrillReport } from '../packages/budao/src/drill/drill-report.ts'

const main = join(import.meta.dirname, '../packages/budao/src/main.ts')

test('a site killed with SIGKILL under load: no idempotent request fails, and the gateway says what died', async (t) => {
  const drill = startNode(t, [
    main,
    ...['drill', 'site-loss', '--demo', '--json'],
    ...['--rate', '300', '--duration', '4s', '--kill-after', '1s', '--return-within', '90s'],
  ])
  const code = await drill.exited()
  const report = JSON.parse(drill.output.slice(drill.output.indexOf('{'))) as DrillReport

  assert.deepEqual(report.failures, {})
  assert.equal(code, 0, drill.output)
  assert.equal(report.requests.failed, 0)
  assert.equal(report.requests.sent, report.requests.ok + report.requests.degraded)
  assert.deepEqual(
    report.killed.map(({ name }) => name),
    ['shop-east-1', 'shop-east-2'],
  )
  assert.equal(report.detect.endpoints.length, 2)
  for (const { address, by } of report.detect.endpoints) {
    assert.ok(by, `no event took ${address} out:\n${JSON.stringify(report.events, null, 2)}`)
  }
  assert.notEqual(report.returnedMs, null, 'the site came back by itself')
})
